// Dynamic updates as people write them: the lines of nsupdate that matter, and the same pieces from a command line.
//
//   server SERVER [PORT]                         zone NAME             ttl SECONDS           class IN
//   prereq nxdomain NAME | yxdomain NAME | nxrrset NAME TYPE | yxrrset NAME TYPE [RDATA]
//   [update] add NAME [TTL] [IN] TYPE RDATA      [update] delete NAME [TTL] [IN] [TYPE [RDATA]]
//   send, or an empty line                       quit
//
// Names are absolute with or without their final dot. What is pending at the end is sent as well. Left out on purpose: `key`
// (a secret in a script; --key names a file), `local`, `realm`, `gsstsig`, `show`, `answer`; they are errors.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dns-core/name.h"
#include "dns-core/text/lexer.h"
#include "dns-core/types.h"
#include "ops/diagnostics.h"
#include "ops/net/server_place.h"

namespace samara::ops {

// One message's worth.
struct UpdateBatch {
  std::optional<ServerPlace> server;
  std::optional<dns::Name> zone;
  std::vector<std::vector<u8>> prerequisites;  // records as the message has them, owner names uncompressed
  std::vector<std::vector<u8>> changes;
  Place at;  // of its first line
};

class UpdateScript {
 public:
  UpdateScript(std::optional<ServerPlace> server, std::optional<dns::Name> zone, Diagnostics& found);

  // A whole script; `file` is what messages call it.
  void read(std::string_view text, const std::string& file);
  // One piece: "NAME TTL TYPE RDATA", "NAME [TYPE [RDATA]]", "yxdomain NAME".
  void add(std::string_view text, const std::string& file);
  void remove(std::string_view text, const std::string& file);
  void prerequisite(std::string_view text, const std::string& file);
  // Ends the message, if anything is in it.
  void send();
  // All messages, in order.
  std::vector<UpdateBatch> take();

 private:
  using Done = Result<void, dns::SyntaxError>;
  struct Head {
    dns::Name owner;
    std::optional<u32> ttl;
    std::optional<dns::RrType> type;
  };

  void piece(std::string_view text, const std::string& file, Done (UpdateScript::*reader)(dns::Lexer&));
  void report(const dns::SyntaxError& error, u32 line);
  Done read_line(dns::Lexer& line);
  Done read_command(const dns::Token& word, dns::Lexer& line);
  Done read_server(dns::Lexer& line);
  Done read_zone(dns::Lexer& line);
  Done read_default_ttl(dns::Lexer& line);
  Done read_class(dns::Lexer& line);
  Done read_update(dns::Lexer& line);
  Done read_add(dns::Lexer& line);
  Done read_remove(dns::Lexer& line);
  Done read_prerequisite(dns::Lexer& line);
  Result<Head, dns::SyntaxError> read_head(dns::Lexer& line);
  static Done put(std::vector<std::vector<u8>>& into, const Head& head, dns::RrClass rr_class, u32 ttl, dns::Lexer* rdata);
  void begin();

  Diagnostics& found_;
  std::string file_;
  UpdateBatch current_;
  std::optional<u32> default_ttl_;
  bool ended_ = false;
  u32 line_ = 0;
  std::vector<UpdateBatch> batches_;
};

// The UPDATE message of a batch (RFC 2136 section 2), with id 0. Nothing when it is longer than a message can be. The batch has
// a zone.
std::optional<std::vector<u8>> update_message(const UpdateBatch& batch);

}  // namespace samara::ops
