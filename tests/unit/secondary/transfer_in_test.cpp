#include "secondary/transfer_in.h"

#include "messages.h"

namespace samara::secondary {
namespace {

using State = TransferIn::State;

const std::string ns = "example. 60 IN NS ns.example.";
const std::string address = "ns.example. 60 IN A 192.0.2.1";

// ---- the request ----------------------------------------------------------------------------------------------------

TEST(TransferRequest, OfAWholeZoneIsAnAxfrQuestionWithExpireAskedFor) {
  const Octets request = Fed(whole_request()).request();
  const dns::Query query = dns::parse_query(request);
  ASSERT_EQ(query.verdict, dns::QueryVerdict::good);
  EXPECT_EQ(query.id, dns::MessageId(7));
  EXPECT_EQ(query.type, dns::RrType::AXFR);
  EXPECT_EQ(query.authority_at, 0);
  ASSERT_TRUE(query.edns.has_value());
  EXPECT_TRUE(query.edns->expire);
}

TEST(TransferRequest, OfDifferencesHoldsOurSerialInTheAuthoritySection) {
  const Octets request = Fed(differences_request(41)).request();
  const dns::Query query = dns::parse_query(request);
  ASSERT_EQ(query.verdict, dns::QueryVerdict::good);
  EXPECT_EQ(query.type, dns::RrType::IXFR);
  dns::MessageReader at(request, query.authority_at);
  EXPECT_EQ(at.name(), name_of("example."));
  const dns::RecordFields soa = at.fields();
  EXPECT_EQ(soa.type, dns::RrType::SOA);
  EXPECT_EQ(dns::SoaNumbers::of(at.bytes(soa.size)).serial, dns::Serial(41));
}

TEST(TransferRequest, GoesWithoutEdnsToServersThatDoNotKnowIt) {
  TransferRequest request = whole_request();
  request.edns = false;
  const Octets octets = Fed(request).request();
  EXPECT_FALSE(dns::parse_query(octets).edns.has_value());
}

// ---- whole zones ----------------------------------------------------------------------------------------------------

TEST(WholeTransfer, EndsWithTheSoaItBeganWith) {
  Fed run(whole_request());
  run.feed({{.answers = {soa(3), ns, address, soa(3)}}});
  EXPECT_EQ(run.transfer.state(), State::complete);
  EXPECT_EQ(run.lines, (Lines{"whole 3", "+ " + soa(3), "+ " + ns, "+ " + address, "end"}));
  EXPECT_EQ(run.transfer.serial(), dns::Serial(3));
}

TEST(WholeTransfer, MayComeInManyMessagesAndRepeatTheQuestionOrNot) {
  Fed run(whole_request());
  run.feed({{.answers = {soa(3)}}, {.answers = {ns}}, {.answers = {address}, .question = false}, {.answers = {soa(3)}}});
  EXPECT_EQ(run.transfer.state(), State::complete);
  EXPECT_EQ(run.lines.size(), 5u);
}

TEST(WholeTransfer, TellsTheExpireOption) {
  Fed run(whole_request());
  run.feed({{.answers = {soa(3), ns, soa(3)}, .expire = 1234}});
  EXPECT_EQ(run.lines.back(), "end 1234");
}

TEST(WholeTransfer, WritesCompressedNamesInFull) {
  // "example." is at 12; the MX names "mx" and a pointer to it.
  Octets message = Response{.answers = {soa(3)}}.message();
  store_be16(message, 6, 3);
  append(message, {0xc0, 12, 0, 15, 0, 1, 0, 0, 0, 60, 0, 7, 0, 10, 2, 'm', 'x', 0xc0, 12});
  Octets last(1000);
  ByteWriter out(last);
  put_record(soa(3), out);
  last.resize(out.size());
  append(message, last);
  Fed run(whole_request());
  run.feed(framed(message));
  EXPECT_EQ(run.transfer.state(), State::complete);
  EXPECT_EQ(run.lines[2], "+ example. 60 IN MX 10 mx.example.");
}

TEST(WholeTransfer, KnowsTheEndWhateverTheCaseOfItsNames) {
  Fed run(whole_request());
  run.feed({{.answers = {soa(3), ns, "EXAMPLE. 60 IN SOA NS.example. host.EXAMPLE. 3 7200 900 604800 300"}}});
  EXPECT_EQ(run.transfer.state(), State::complete);
}

TEST(WholeTransfer, TakesRecordsOfTypesNobodyKnows) {
  Fed run(whole_request());
  run.feed({{.answers = {soa(3), ns, "a.example. 60 IN TYPE65280 \\# 3 010203", soa(3)}}});
  EXPECT_EQ(run.transfer.state(), State::complete);
  EXPECT_EQ(run.lines[3], "+ a.example. 60 IN TYPE65280 \\# 3 010203");
}

TEST(WholeTransfer, OfManyRecordsComesInSeveralBatches) {
  Fed run(whole_request());
  std::vector<Response> responses{{.answers = {soa(3), ns}}};
  const std::string text(200, 'x');
  for (int i = 0; i < 10; ++i) {
    Response& response = responses.emplace_back();
    for (int k = 0; k < 200; ++k)
      response.answers.push_back("t.example. 60 IN TXT \"" + std::to_string(i * 200 + k) + text + "\"");
  }
  responses.push_back({.answers = {soa(3)}});
  run.feed(responses);
  EXPECT_EQ(run.transfer.state(), State::complete);
  EXPECT_EQ(run.lines.size(), 2'004u);
  EXPECT_GT(run.batches.size(), 5u);
  EXPECT_EQ(run.transfer.records(), 2'002u);
}

TEST(WholeTransfer, TakesTheLongestTtlsAsZero) {
  Fed run(whole_request());
  run.feed({{.answers = {soa(3), ns, "a.example. 2147483648 IN A 192.0.2.1", soa(3)}}});
  EXPECT_EQ(run.lines[3], "+ a.example. 0 IN A 192.0.2.1");
}

// ---- differences ----------------------------------------------------------------------------------------------------

TEST(Differences, ComeStepByStep) {
  Fed run(differences_request(1));
  run.feed({ixfr({soa(3), soa(1), address, soa(2), "ns.example. 60 IN A 192.0.2.2", soa(2), "ns.example. 60 IN A 192.0.2.2",
                  soa(3), "ns.example. 60 IN A 192.0.2.3", soa(3)})});
  EXPECT_EQ(run.transfer.state(), State::complete);
  EXPECT_EQ(run.lines,
            (Lines{"steps 1 3", "- " + soa(1), "- " + address, "+ " + soa(2), "+ ns.example. 60 IN A 192.0.2.2", "- " + soa(2),
                   "- ns.example. 60 IN A 192.0.2.2", "+ " + soa(3), "+ ns.example. 60 IN A 192.0.2.3", "end"}));
}

TEST(Differences, MayTakeAwayOrAddNothing) {
  Fed run(differences_request(1));
  run.feed({ixfr({soa(3), soa(1), soa(3), soa(3)})});
  EXPECT_EQ(run.transfer.state(), State::complete);
  EXPECT_EQ(run.lines, (Lines{"steps 1 3", "- " + soa(1), "+ " + soa(3), "end"}));
}

TEST(Differences, MayBeTheWholeZoneInstead) {
  Fed run(differences_request(1));
  run.feed({ixfr({soa(3)}), ixfr({ns, address}), ixfr({soa(3)})});
  EXPECT_EQ(run.transfer.state(), State::complete);
  EXPECT_EQ(run.lines, (Lines{"whole 3", "+ " + soa(3), "+ " + ns, "+ " + address, "end"}));
}

TEST(Differences, OfTheSameSerialAreOneSoa) {
  Fed run(differences_request(3));
  run.feed({{.answers = {soa(3)}, .type = dns::RrType::IXFR, .expire = 99}});
  EXPECT_EQ(run.transfer.state(), State::up_to_date);
  EXPECT_EQ(run.transfer.expire(), 99u);
  EXPECT_EQ(run.lines, Lines{});
}

TEST(Differences, FollowSerialsAroundTheCircle) {
  Fed run(differences_request(0xffffffff));
  run.feed({ixfr({soa(1), soa(0xffffffff), soa(0), soa(0), soa(1), soa(1)})});
  EXPECT_EQ(run.transfer.state(), State::complete);
}

// ---- what is refused, each by its name ------------------------------------------------------------------------------

struct Bad {
  const char* what;
  std::vector<Response> responses;
  TransferError error;
  TransferRequest request = whole_request();
};

class Refused : public testing::TestWithParam<Bad> {};

TEST_P(Refused, WithItsOwnError) {
  Fed run(GetParam().request);
  run.feed(GetParam().responses);
  run.end();
  EXPECT_EQ(run.transfer.state(), State::failed);
  EXPECT_EQ(describe(run.transfer.error()), describe(GetParam().error));
  for (const std::string& line : run.lines) EXPECT_FALSE(line.starts_with("end"));
}

TransferRequest promised(u32 serial) {
  TransferRequest request = whole_request();
  request.promised = dns::Serial(serial);
  return request;
}
TransferRequest ours(u32 serial) {
  TransferRequest request = whole_request();
  request.ours = dns::Serial(serial);
  return request;
}
TransferRequest limited(TransferLimits limits, TransferRequest request = whole_request()) {
  request.limits = limits;
  return request;
}

const Bad bad_transfers[] = {
    {"AnErrorCode", {{.answers = {}, .rcode = 5}}, TransferError::refused},
    {"AnotherId", {{.answers = {soa(3), ns, soa(3)}, .id = 8}}, TransferError::wrong_id},
    {"AnotherIdLater", {{.answers = {soa(3), ns}}, {.answers = {soa(3)}, .id = 8}}, TransferError::wrong_id},
    {"AQuery", {{.answers = {soa(3)}, .flags = 0}}, TransferError::not_a_response},
    {"AnotherOpcode", {{.answers = {soa(3)}, .flags = dns::flag_qr | 4 << 11}}, TransferError::wrong_opcode},
    {"Truncation", {{.answers = {soa(3)}, .flags = dns::flag_qr | dns::flag_tc}}, TransferError::truncated_flag},
    {"AnotherQuestion", {{.answers = {soa(3)}, .zone = "other."}}, TransferError::wrong_question},
    {"AnotherType", {ixfr({soa(3), ns, soa(3)})}, TransferError::wrong_question},
    {"NoQuestionAtFirst", {{.answers = {soa(3)}, .question = false}}, TransferError::wrong_question},
    {"NoRecords", {{.answers = {}}}, TransferError::no_answer},
    {"NoSoaAtFirst", {{.answers = {ns, soa(3)}}}, TransferError::no_soa_first},
    {"TheSoaOfAnotherZoneAtFirst", {{.answers = {"a.example. 60 IN SOA a. b. 3 1 1 1 1"}}}, TransferError::no_soa_first},
    {"ASoaBelowTheApex",
     {{.answers = {soa(3), ns, "a.example. 60 IN SOA a. b. 3 1 1 1 1", soa(3)}}},
     TransferError::soa_below_apex},
    // SOA in mid-AXFR: another one, and the same with records behind it.
    {"AnotherSoaInTheMiddle", {{.answers = {soa(3), ns, soa(4), address, soa(3)}}}, TransferError::soa_in_middle},
    {"TheSameSoaInTheMiddle", {{.answers = {soa(3), ns, soa(3), address, soa(3)}}}, TransferError::trailing_data},
    {"AMessageAfterTheEnd", {{.answers = {soa(3), ns, soa(3)}}, {.answers = {address}}}, TransferError::trailing_data},
    {"AnotherClass", {{.answers = {soa(3), ns, "a.example. 60 CH TXT \"x\"", soa(3)}}}, TransferError::foreign_class},
    {"ASoaOutsideTheZone",
     {{.answers = {soa(3), ns, "example.org. 60 IN SOA a. b. 3 1 1 1 1", soa(3)}}},
     TransferError::soa_below_apex},
    // Absurd serials.
    {"AnOlderSerial", {{.answers = {soa(3), ns, soa(3)}}}, TransferError::serial_older, ours(4)},
    {"ASerialHalfTheCircleAway", {{.answers = {soa(4 + 0x80000000), ns}}}, TransferError::serial_undefined, ours(4)},
    {"AnOlderSerialThanPromised", {{.answers = {soa(3), ns, soa(3)}}}, TransferError::serial_not_promised, promised(4)},
    {"DifferencesToAnOlderSerial",
     {ixfr({soa(3), soa(4), soa(3), soa(3)})},
     TransferError::serial_older,
     differences_request(4)},
    {"DifferencesFromAnotherSerial",
     {ixfr({soa(3), soa(2), soa(3), soa(3)})},
     TransferError::other_start,
     differences_request(1)},
    {"DifferencesThatGoBack", {ixfr({soa(3), soa(1), soa(0)})}, TransferError::broken_steps, differences_request(1)},
    {"DifferencesThatStandStill", {ixfr({soa(3), soa(1), soa(1)})}, TransferError::broken_steps, differences_request(1)},
    {"DifferencesWithAGap",
     {ixfr({soa(9), soa(1), soa(2), soa(3), soa(9), soa(9)})},
     TransferError::broken_steps,
     differences_request(1)},
    {"DifferencesThatEndAtAnotherSoa",
     {ixfr({soa(3), soa(1), soa(3), "example. 60 IN SOA a. b. 3 1 1 1 1"})},
     TransferError::broken_steps,
     differences_request(1)},
    {"RecordsAfterTheDifferences",
     {ixfr({soa(3), soa(1), soa(3), soa(3), address})},
     TransferError::trailing_data,
     differences_request(1)},
    {"OneSoaByWayOfDifferences", {ixfr({soa(3)})}, TransferError::cut_short, differences_request(1)},
    // Endless transfers.
    {"TooManyRecords",
     {{.answers = {soa(3), ns, address, "a.example. 60 IN A 192.0.2.1", soa(3)}}},
     TransferError::too_many_records,
     limited({.records = 3})},
    {"TooManyOctets", {{.answers = {soa(3), ns, address, soa(3)}}}, TransferError::too_many_octets, limited({.octets = 150})},
    {"TooManyMessages",
     {{.answers = {soa(3)}}, {.answers = {ns}}, {.answers = {address}}, {.answers = {soa(3)}}},
     TransferError::too_many_messages,
     limited({.messages = 3})},
    {"MessagesWithoutRecordsForEver",
     {{.answers = {soa(3)}}, {.answers = {}}, {.answers = {}}, {.answers = {}}, {.answers = {}}},
     TransferError::too_many_messages,
     limited({.messages = 4})},
    {"DifferencesLargerThanTheirLimit",
     {ixfr({soa(3), soa(1)}), ixfr({address}), ixfr({soa(3)}), ixfr({soa(3)})},
     TransferError::differences_too_large,
     limited({.difference_octets = 100}, differences_request(1))},
    {"AStreamThatStops", {{.answers = {soa(3), ns}}}, TransferError::cut_short},
};

INSTANTIATE_TEST_SUITE_P(TransferIn, Refused, testing::ValuesIn(bad_transfers),
                         [](const testing::TestParamInfo<Bad>& bad) { return std::string(bad.param.what); });

TEST(TransferIn, RefusesBadDataAndBadMessages) {
  const auto error_of = [](Octets message) {
    Fed run(whole_request());
    run.feed(framed(message));
    EXPECT_EQ(run.transfer.state(), State::failed);
    return run.transfer.error();
  };
  Octets message = Response{.answers = {soa(3), "a.example. 60 IN TYPE1 \\# 4 01020304"}}.message();
  store_be16(message, message.size() - 6, 3);  // an A record of three octets, and one octet behind the last record
  EXPECT_EQ(error_of(message), TransferError::malformed);
  message.pop_back();
  EXPECT_EQ(error_of(message), TransferError::bad_rdata);
  EXPECT_EQ(error_of({}), TransferError::malformed);
  EXPECT_EQ(error_of({0, 7, 0x84}), TransferError::malformed);
}

TEST(TransferIn, names_the_record_that_cannot_be_read) {
  Fed run(whole_request());
  run.feed({{.answers = {soa(3), ns, "mail.example. 60 IN MX \\# 2 0001", soa(3)}}});
  EXPECT_EQ(run.transfer.error(), TransferError::bad_rdata);
  ASSERT_TRUE(run.transfer.at_record().has_value());
  EXPECT_EQ(run.transfer.at_record()->owner, name_of("mail.example."));
  EXPECT_EQ(run.transfer.at_record()->type, dns::RrType::MX);
  Fed message(whole_request());
  message.feed({{.answers = {soa(3), ns}}, {.answers = {soa(3)}, .id = 8}});
  EXPECT_FALSE(message.transfer.at_record().has_value());
}

TEST(TransferIn, TellsTheErrorCodeOfTheRefusal) {
  Fed run(differences_request(1));
  run.feed({{.answers = {}, .rcode = 4, .type = dns::RrType::IXFR}});
  EXPECT_EQ(run.transfer.rcode(), dns::Rcode::NOTIMP);
  EXPECT_EQ(whole_zone_after(run.transfer.error()), WholeZone::at_once);
}

TEST(TransferIn, RefusesARecordTooLongForABatchAndTakesTheLongestThatFits) {
  const auto with_record_of = [](size_t size) {
    Octets message = Response{.answers = {soa(3)}}.message();
    store_be16(message, 6, 2);
    append(message, {0xc0, 12, 0xff, 0, 0, 1, 0, 0, 0, 60, static_cast<u8>(size >> 8), static_cast<u8>(size)});
    message.resize(message.size() + size);
    Octets all = framed(message);
    append(all, framed(Response{.answers = {soa(3)}}.message()));
    Fed run(whole_request());
    run.feed(all);
    return run.transfer.state() == State::complete;
  };
  constexpr size_t longest = max_batch_size - (1 + 9 + 10);
  EXPECT_TRUE(with_record_of(longest));
  EXPECT_FALSE(with_record_of(longest + 1));
}

// ---- time -----------------------------------------------------------------------------------------------------------

Instant at(i64 seconds) {
  return Instant::since_boot(Duration::seconds(seconds));
}

TEST(TransferIn, GivesUpOnAPrimaryThatSendsOneOctetAMinute) {
  Fed run(whole_request());
  const Octets stream = stream_of({{.answers = {soa(3), ns, soa(3)}}});
  i64 second = 0;
  for (size_t i = 0; run.transfer.state() == State::running && i < stream.size(); ++i) {
    run.feed(Bytes(stream).subspan(i, 1));
    for (i64 end = second + 60; second < end; ++second) run.transfer.on_deadline(at(second));
  }
  EXPECT_EQ(run.transfer.state(), State::failed);
  EXPECT_EQ(run.transfer.error(), TransferError::too_slow);
  EXPECT_LE(second, 60);
}

TEST(TransferIn, GivesUpOnAPrimaryThatNeverAnswers) {
  Fed run(whole_request());
  EXPECT_EQ(run.transfer.next_deadline(), Instant() + rate_window);
  run.transfer.on_deadline(run.transfer.next_deadline());
  EXPECT_EQ(run.transfer.error(), TransferError::too_slow);
  EXPECT_EQ(run.transfer.next_deadline(), Instant::never());
}

TEST(TransferIn, GivesUpOnAPrimaryThatStallsInALaterWindow) {
  Fed run(whole_request());
  run.feed({{.answers = {soa(3)}}});
  const Octets more = stream_of({{.answers = {std::string("a.example. 60 IN TXT \"") + std::string(200, 'x') + "\""}}});
  for (int i = 0; i < 10; ++i) run.feed(more);
  run.transfer.on_deadline(Instant() + rate_window);
  ASSERT_EQ(run.transfer.state(), State::running);
  EXPECT_EQ(run.transfer.next_deadline(), Instant() + rate_window + rate_window);
  run.transfer.on_deadline(run.transfer.next_deadline());
  EXPECT_EQ(run.transfer.error(), TransferError::too_slow);
}

TEST(TransferIn, GivesUpWhenItTakesTooLongInAll) {
  TransferRequest request = whole_request();
  request.limits.total = Duration::seconds(300);
  Fed run(request);
  run.feed({{.answers = {soa(3)}}});
  const Octets more = stream_of({{.answers = {std::string("a.example. 60 IN TXT \"") + std::string(200, 'x') + "\""}}});
  for (i64 second = 0; second < 400 && run.transfer.state() == State::running; second += 2) {
    run.feed(more);
    run.transfer.on_deadline(at(second));
  }
  EXPECT_EQ(run.transfer.error(), TransferError::too_long);
}

TEST(TransferIn, DoesNotBlameThePrimaryForOurOwnLoader) {
  Fed run(whole_request());
  const Octets stream = stream_of({{.answers = {soa(3), ns, soa(3)}}});
  std::ranges::copy(stream, run.transfer.input_space().begin());
  run.transfer.on_input(at(0), stream.size());
  EXPECT_TRUE(run.transfer.input_space().empty());
  for (i64 second = 0; second < 300; ++second) run.transfer.on_deadline(at(second));
  run.pull();
  EXPECT_EQ(run.transfer.state(), State::complete);
}

// ---- streams cut and split ------------------------------------------------------------------------------------------

TEST(TransferIn, CutAtEveryOctetGivesACleanError) {
  for (const bool differences : {false, true}) {
    const Octets stream = differences ? stream_of({ixfr({soa(3), soa(1), address}), ixfr({soa(3), address, soa(3)})})
                                      : stream_of({{.answers = {soa(3), ns}}, {.answers = {address, soa(3)}}});
    const TransferRequest request = differences ? differences_request(1) : whole_request();
    for (size_t cut = 0; cut < stream.size(); ++cut) {
      Fed run(request);
      run.feed(Bytes(stream).first(cut));
      EXPECT_EQ(run.transfer.state(), State::running);
      run.end();
      EXPECT_EQ(run.transfer.state(), State::failed);
      EXPECT_EQ(run.transfer.error(), TransferError::cut_short) << cut;
    }
    Fed run(request);
    run.feed(stream);
    run.end();
    EXPECT_EQ(run.transfer.state(), State::complete);
  }
}

TEST(TransferIn, TakesAsMuchAsItsLimitsSayAndNoMore) {
  const std::vector<Response> whole{{.answers = {soa(3), ns}}, {.answers = {address}}, {.answers = {soa(3)}}};
  const std::vector<Response> steps{ixfr({soa(3), soa(1), address, soa(3), address, soa(3)})};
  const auto state = [](const TransferRequest& request, const std::vector<Response>& responses) {
    Fed run(request);
    run.feed(responses);
    return run.transfer.state();
  };
  const u64 octets = stream_of(whole).size();
  const u64 difference = stream_of(steps).size();
  for (const u64 less : {u64{0}, u64{1}}) {
    const State expected = less == 0 ? State::complete : State::failed;
    EXPECT_EQ(state(limited({.octets = octets - less}), whole), expected);
    EXPECT_EQ(state(limited({.records = 4 - less}), whole), expected);
    EXPECT_EQ(state(limited({.messages = 3 - less}), whole), expected);
    EXPECT_EQ(state(limited({.difference_octets = difference - less}, differences_request(1)), steps), expected);
  }
}

TEST(TransferIn, IsTheSameHoweverTheStreamIsSplit) {
  std::vector<Response> responses{{.answers = {soa(3), ns}}};
  for (int i = 0; i < 40; ++i) {
    Response& response = responses.emplace_back();
    for (int k = 0; k <= i; ++k)
      response.answers.push_back("n" + std::to_string(k) + ".example. 60 IN TXT \"" + std::string(100, 'x') + "\"");
  }
  responses.push_back({.answers = {soa(3)}});
  const Octets stream = stream_of(responses);
  Fed whole(whole_request());
  whole.feed(stream);
  ASSERT_EQ(whole.transfer.state(), State::complete);
  u32 random = 1;
  for (int round = 0; round < 30; ++round) {
    Fed run(whole_request());
    for (Bytes rest(stream); !rest.empty();) {
      random = random * 1'664'525 + 1'013'904'223;
      const size_t most = round % 3 == 0 ? 3 : round % 3 == 1 ? 500 : 70'000;
      const size_t count = std::min<size_t>(rest.size(), 1 + (random >> 8) % most);
      run.feed(rest.first(count));
      rest = rest.subspan(count);
    }
    EXPECT_EQ(run.transfer.state(), State::complete);
    EXPECT_EQ(run.lines, whole.lines);
  }
}

}  // namespace
}  // namespace samara::secondary
