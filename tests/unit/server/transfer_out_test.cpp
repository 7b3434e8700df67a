// The messages of outgoing transfers (RFC 5936, RFC 1995), and what requests for them get.
#include "server/transfer_out.h"

#include "server/zone_loader.h"
#include "transfer_messages.h"
#include "zone/revision.h"

namespace samara::server {
namespace {

using Lines = std::vector<std::string>;

constexpr std::string_view head = "$TTL 300\n@ SOA ns host 7 7200 900 1209600 60\n@ NS ns\nns A 192.0.2.1\n";

class TransferOutTest : public testing::Test {
 protected:
  TransferOutTest() : region_(size_t{32} << 20), loader_(region_) {}

  void serve(std::string_view apex, std::string text) {
    text_ = std::move(text);
    config_.zones.clear();
    config_.zones.push_back({name_of(apex), {{"zone", text_}}});
    config_.zones.push_back({name_of("broken."), {{"zone", "no zone"}}});
    LoadReport report([](void*, Level, std::string_view) {}, nullptr);
    set_ = loader_.load(config_, UnixTime{}, report);
    ASSERT_TRUE(set_.has_value());
    zone_ = set_->at(name_of(apex))->zone;
    ASSERT_TRUE(zone_.has_value());
  }

  TransferPlan plan(const Octets& request, Transport transport = Transport::tcp) {
    return plan_transfer(*set_, transport, request, dns::parse_query(request));
  }
  // All messages of a transfer, and the records in them.
  Lines transfer(const Octets& request) {
    const TransferPlan what = plan(request);
    EXPECT_EQ(what.rcode, dns::Rcode::NOERROR);
    transfer_.start(what, request, dns::parse_query(request));
    sizes_.clear();
    messages_.clear();
    Lines records;
    Octets room(65'535, 0xee);
    AnswerRules rules;
    rules.transport = Transport::tcp;
    for (size_t size = transfer_.first(rules, room); size != 0; size = transfer_.next(room, UnixTime{})) {
      sizes_.push_back(size);
      messages_.push_back(read_message(Bytes(room).first(size), request));
      records.insert(records.end(), messages_.back().records.begin(), messages_.back().records.end());
      EXPECT_EQ(messages_.back().flags & 0x8400, 0x8400);  // QR and AA
      if (transfer_.done() || sizes_.size() > 10'000) break;
    }
    return records;
  }
  Lines axfr(const std::string& apex) { return transfer(query_of(apex + " AXFR noedns").packet); }

  std::vector<u8> region_;
  PrimaryConfig config_;
  ZoneLoader loader_;
  std::string text_;
  std::optional<zone::ZoneSet> set_;
  std::optional<zone::Zone> zone_;
  TransferOut transfer_;
  std::vector<size_t> sizes_;
  std::vector<TransferMessage> messages_;
};

TEST_F(TransferOutTest, sends_all_records_between_the_soa_twice) {
  serve("example.", std::string(head) + R"(@ RRSIG SOA 13 1 300 20370101000000 20260101000000 1 @ AAAA
@ MX 10 MAIL.example.
@ NSEC3PARAM 1 0 2 aabb
mail A 192.0.2.25
a.b.c TXT "below empty non-terminals"
* TXT "wildcard"
d DNAME ns
x.d A 192.0.2.7 ; occluded by the DNAME
cut NS ns.cut
cut NS ns.sibling
cut DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000
ns.cut A 192.0.2.3
ns.cut AAAA 2001:db8::3
deep.down.cut TXT "occluded by the cut"
sibling NS ns.sibling
ns.sibling A 192.0.2.4
0000000000000000000000000000000a NSEC3 1 1 2 aabb g000000000000000000000000000000a NS SOA
g000000000000000000000000000000a NSEC3 1 1 2 aabb 0000000000000000000000000000000a A
g000000000000000000000000000000a RRSIG NSEC3 13 2 300 20370101000000 20260101000000 1 @ AAAA
svc HTTPS 1 ns alpn=h2
TYPE65280 TYPE65280 \# 3 000102
)");
  expect_whole(*zone_, axfr("example."));
  EXPECT_EQ(messages_.size(), 1U);
}

TEST_F(TransferOutTest, sends_a_zone_of_one_rrset_beside_its_soa) {
  serve("example.", "$TTL 300\n@ SOA ns.test. host.test. 7 7200 900 1209600 60\n@ NS ns.test.\n");
  const Lines records = axfr("example.");
  expect_whole(*zone_, records);
  EXPECT_EQ(records.size(), 3U);
}

TEST_F(TransferOutTest, sends_the_root_zone) {
  serve(".", std::string("$TTL 300\n@ SOA a.root. host 7 7200 900 1209600 60\n@ NS a.root.\na.root. A 192.0.2.1\n") +
                 "test. NS ns.test.\ntest. NS .\nns.test. A 192.0.2.2\nt. CNAME .\n");
  expect_whole(*zone_, axfr("."));
}

TEST_F(TransferOutTest, takes_the_apex_in_any_case) {
  serve("Example.", std::string(head) + "WWW CNAME Ns.EXAMPLE.\n");
  expect_whole(*zone_, axfr("eXAMPLe."));
}

TEST_F(TransferOutTest, fills_messages_as_far_as_pointers_reach) {
  std::string text(head);
  for (int i = 0; i < 5'000; ++i) {
    const std::string n = std::to_string(i);
    text += "host-" + n + " A 10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250) + "\n";
    text += "sub-" + n + " NS ns.sub-" + n + "\nns.sub-" + n + " A 192.0.2.1\n";
  }
  serve("example.", text);
  expect_whole(*zone_, axfr("example."));
  size_t all = 0;
  for (size_t i = 0; i < sizes_.size(); ++i) {
    EXPECT_LE(sizes_[i], TransferOut::message_size);
    if (i + 1 < sizes_.size()) EXPECT_GT(sizes_[i], TransferOut::message_size - 100);
    all += sizes_[i];
  }
  // host-1234 A: 10 and a pointer, 10, 4. sub-1234 NS: 9 and 2, 10, 3 and 2. ns: 3 and 2, 10, 4.
  EXPECT_LT(all / 5'000, 26U + 26U + 19U + 1U);
}

TEST_F(TransferOutTest, points_to_all_that_owners_share) {
  serve("example.",
        "$TTL 300\n@ SOA @ @ 7 7200 900 1209600 60\n@ NS @\nb.c A 192.0.2.1\na.b.c A 192.0.2.2\nz.b.c A 192.0.2.3\n");
  axfr("example.");
  const size_t fixed = dns::record_fixed_size;
  const size_t soa = 2 + fixed + 2 + 2 + 20;
  const size_t ns = 2 + fixed + 2;
  const size_t addresses = (4 + 2 + fixed + 4) + 2 * (2 + 2 + fixed + 4);  // b.c, then one label more each
  EXPECT_EQ(sizes_, std::vector<size_t>{dns::header_size + 9 + 4 + 2 * soa + ns + addresses});
}

TEST_F(TransferOutTest, sends_names_of_the_greatest_length) {
  std::string deepest;
  for (int i = 0; i < 122; ++i) deepest += "a.";
  const std::string widest =
      std::string(63, 'x') + "." + std::string(63, 'y') + "." + std::string(63, 'z') + "." + std::string(53, 'w');
  serve("example.", std::string(head) + deepest + "b A 192.0.2.1\n" + widest + " A 192.0.2.2\nq CNAME " + widest + "\n");
  expect_whole(*zone_, axfr("example."));
}

TEST_F(TransferOutTest, splits_an_rrset_that_no_message_holds) {
  std::string text(head);
  for (int i = 0; i < 6'000; ++i) text += "big A 10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250) + "\n";
  serve("example.", text);
  expect_whole(*zone_, axfr("example."));
  EXPECT_GT(sizes_.size(), 5U);
}

std::string unknown_record(size_t octets) {
  return "\\# " + std::to_string(octets) + " " + std::string(2 * octets, 'a');
}

TEST_F(TransferOutTest, gives_a_record_larger_than_a_message_one_of_its_own) {
  serve("example.", std::string(head) + "a A 192.0.2.1\nbig TYPE65280 " + unknown_record(60'000) + "\nsome A 192.0.2.2\n");
  expect_whole(*zone_, axfr("example."));
  ASSERT_EQ(sizes_.size(), 3U);
  EXPECT_EQ(messages_[1].records.size(), 1U);
  EXPECT_GT(sizes_[1], 60'000U);
}

// zone/builder refuses what is longer.
TEST_F(TransferOutTest, holds_the_longest_record_that_a_zone_takes) {
  const size_t octets = zone::max_record_octets - name_of("big.other.").size() - dns::record_fixed_size;
  serve("other.", std::string(head) + "big TYPE65280 " + unknown_record(octets) + "\n");
  expect_whole(*zone_, axfr("other."));
}

TEST_F(TransferOutTest, gives_each_message_an_opt_record) {
  std::string text(head);
  for (int i = 0; i < 2'000; ++i) text += "h" + std::to_string(i) + " A 192.0.2.1\n";
  serve("example.", text);
  expect_whole(*zone_, transfer(query_of("example. AXFR").packet));
  ASSERT_GT(messages_.size(), 1U);
  EXPECT_TRUE(messages_[0].has_opt);
  EXPECT_TRUE(messages_[1].has_opt) << "RFC 5936 section 2.2.5 allows it, and dig complains of each that has none";
}

// ---- what is asked for ------------------------------------------------------------------------------------------------------

TEST_F(TransferOutTest, is_not_authoritative_for_names_that_are_no_zone) {
  serve("example.", std::string(head));
  for (const char* name : {"www.example.", "test.", "."}) {
    const TransferPlan what = plan(query_of(std::string(name) + " AXFR").packet);
    EXPECT_EQ(what.rcode, dns::Rcode::NOTAUTH) << name;
    EXPECT_FALSE(what.zone.has_value());
  }
  EXPECT_EQ(plan(query_of("broken. AXFR").packet).rcode, dns::Rcode::SERVFAIL);
}

TEST_F(TransferOutTest, refuses_axfr_by_udp_as_no_part_of_the_protocol) {
  serve("example.", std::string(head));
  EXPECT_EQ(plan(query_of("example. AXFR").packet, Transport::udp).rcode, dns::Rcode::FORMERR);
}

TEST_F(TransferOutTest, tells_who_has_the_newest_version_by_the_soa_alone) {
  serve("example.", std::string(head));
  for (const u32 serial : {7U, 8U, 7U + 0x7fffffffU}) {
    EXPECT_EQ(transfer(ixfr_of("example.", serial)), Lines{soa_line(*zone_)}) << serial;
  }
}

TEST_F(TransferOutTest, sends_the_zone_to_who_has_a_version_no_longer_known) {
  serve("example.", std::string(head));
  for (const u32 serial : {6U, 0U, 0xffffffffU, 7U + 0x80000000U}) expect_whole(*zone_, transfer(ixfr_of("example.", serial)));
}

TEST_F(TransferOutTest, finds_ixfr_without_a_version_malformed) {
  serve("example.", std::string(head));
  EXPECT_EQ(plan(query_of("example. IXFR").packet).rcode, dns::Rcode::FORMERR);
  const Octets good = ixfr_of("example.", 1);
  EXPECT_EQ(plan(good).rcode, dns::Rcode::NOERROR);
  const size_t soa_at = dns::header_size + 9 + 4;
  for (const auto& [at, octet] :
       {std::pair{soa_at + 1, u8{0x14}}, std::pair{soa_at + 3, u8{2}}, std::pair{soa_at + 12, u8{0xff}}}) {
    Octets bad = good;
    bad[at] = octet;  // another owner, another type, a name that points ahead
    EXPECT_EQ(plan(bad).rcode, dns::Rcode::FORMERR) << at;
  }
  Octets bad = good;
  bad.push_back(0);
  ++bad[soa_at + 11];  // an octet too many
  EXPECT_EQ(plan(bad).rcode, dns::Rcode::FORMERR);
}

// ---- differences ------------------------------------------------------------------------------------------------------------

// Versions 5, 6 and 7 of a zone, and the steps between them in the order of RFC 1995 section 4.
class TransferOutDifferences : public TransferOutTest {
 protected:
  static constexpr u32 first = 5;
  static constexpr u32 last = 7;

  // Each step deletes `changes` names and adds as many; what stays is `steady` names.
  void make(int changes, int steady) {
    std::string text = "$TTL 300\n@ SOA ns host 5 7200 900 1209600 60\n@ NS ns\nns A 192.0.2.1\n";
    for (int i = 0; i < steady; ++i) text += "h" + std::to_string(i) + " A 192.0.2.1\n";
    for (int i = 0; i < changes; ++i) text += changing(i, first) + " A 10.0.0.5\n";
    serve("example.", text);
    zone::ZoneBuilder builder(memory_, name_of("example."));
    zone_->for_each_record([&](const dns::Name& owner, zone::RecordView record) {
      ASSERT_TRUE(builder.add(owner, record.type(), record.ttl(), record.rdata()).ok());
    });
    versions_.adopt(MUST(builder.finish()));
    for (u32 serial = first; serial < last; ++serial) step(changes, serial);
    zone_ = versions_.zone();
    const std::array entries{zone::ZoneSetEntry{name_of("example."), zone_}};
    set_ = MUST(zone::build_zone_set(memory_, entries));
  }
  static std::string changing(int number, u32 serial) {
    return "c" + std::to_string(1'000'000 + number) + ".v" + std::to_string(serial) + ".b";
  }
  void step(int changes, u32 serial) {
    zone::Patch patch;
    Lines deleted;
    Lines added;
    const auto change = [&](bool add, const dns::Name& owner, dns::RrType type, Bytes rdata) {
      (add ? added : deleted).push_back(line_of(owner, 300, type, rdata));
      if (add) {
        patch.add_record(owner, type, dns::Ttl(300), rdata);
      } else {
        patch.delete_record(owner, type, rdata);
      }
    };
    const Bytes old = versions_.zone()->soa().first().rdata();
    Octets soa(old.begin(), old.end());
    change(false, name_of("example."), dns::RrType::SOA, soa);
    store_be32(soa, soa.size() - 20, serial + 1);
    change(true, name_of("example."), dns::RrType::SOA, soa);
    for (int i = 0; i < changes; ++i) {
      change(false, name_of(changing(i, serial) + ".example."), dns::RrType::A, Octets{10, 0, 0, 5});
      change(true, name_of(changing(i, serial + 1) + ".example."), dns::RrType::A, Octets{10, 0, 0, 5});
    }
    ASSERT_TRUE(versions_.apply(patch).ok());
    deleted.insert(deleted.end(), added.begin(), added.end());
    steps_.push_back(deleted);
  }
  // What leads on from a version, between the new SOA at both ends.
  Lines expected(u32 from) {
    Lines lines{soa_line(*zone_)};
    for (size_t i = from - first; i < steps_.size(); ++i) lines.insert(lines.end(), steps_[i].begin(), steps_[i].end());
    lines.push_back(soa_line(*zone_));
    return lines;
  }

  std::vector<u8> versions_region_ = std::vector<u8>(size_t{32} << 20);
  zone::ZoneMemory memory_{versions_region_};
  zone::VersionedZone versions_{memory_};
  std::vector<Lines> steps_;
};

TEST_F(TransferOutDifferences, go_out_oldest_first_framed_by_the_new_soa) {
  make(8, 100);
  EXPECT_EQ(transfer(ixfr_of("example.", 5)), expected(5));
  EXPECT_EQ(messages_.size(), 1U);
  EXPECT_EQ(transfer(ixfr_of("example.", 6)), expected(6));
}

TEST_F(TransferOutDifferences, go_on_over_many_messages) {
  make(2'000, 8'000);
  EXPECT_TRUE(transfer(ixfr_of("example.", 5)) == expected(5));
  EXPECT_GT(messages_.size(), 5U);
  for (const size_t size : sizes_) EXPECT_LE(size, TransferOut::message_size);
}

TEST_F(TransferOutDifferences, are_left_out_where_one_is_missing_or_the_zone_is_smaller) {
  make(8, 20);
  expect_whole(*zone_, transfer(ixfr_of("example.", 4)));
  EXPECT_EQ(transfer(ixfr_of("example.", 6)), expected(6));
  expect_whole(*zone_, transfer(ixfr_of("example.", 5)));  // 36 records, the zone has 31
}

TEST_F(TransferOutDifferences, lead_to_a_version_that_is_no_step_further) {
  make(8, 100);
  EXPECT_EQ(transfer(ixfr_of("example.", 7)), Lines{soa_line(*zone_)});
  EXPECT_EQ(transfer(ixfr_of("example.", 8)), Lines{soa_line(*zone_)});
}

}  // namespace
}  // namespace samara::server
