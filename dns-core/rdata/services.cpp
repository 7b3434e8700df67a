#include "dns-core/rdata/services.h"

#include <algorithm>
#include <array>

#include "dns-core/rdata/numbers.h"

namespace samara::dns {
namespace {

// RFC 1010 "Assigned numbers", which RFC 1035 refers to for the mnemonics, has long been a registry: IANA "Service Name and
// Transport Protocol Port Number". Those of its names that hosts still offer, with the aliases people know.
constexpr auto protocols = std::to_array<NamedNumber>({{"ICMP", 1}, {"TCP", 6}, {"UDP", 17}});
constexpr auto services = std::to_array<NamedNumber>({{"TCPMUX", 1},
                                                      {"ECHO", 7},
                                                      {"DISCARD", 9},
                                                      {"SYSTAT", 11},
                                                      {"DAYTIME", 13},
                                                      {"NETSTAT", 15},
                                                      {"QOTD", 17},
                                                      {"CHARGEN", 19},
                                                      {"FTP-DATA", 20},
                                                      {"FTP", 21},
                                                      {"SSH", 22},
                                                      {"TELNET", 23},
                                                      {"SMTP", 25},
                                                      {"TIME", 37},
                                                      {"RAP", 38},
                                                      {"RLP", 39},
                                                      {"NAME", 42},
                                                      {"NAMESERVER", 42},
                                                      {"NICNAME", 43},
                                                      {"WHOIS", 43},
                                                      {"TACACS", 49},
                                                      {"DOMAIN", 53},
                                                      {"BOOTPS", 67},
                                                      {"BOOTPC", 68},
                                                      {"TFTP", 69},
                                                      {"GOPHER", 70},
                                                      {"FINGER", 79},
                                                      {"HTTP", 80},
                                                      {"WWW", 80},
                                                      {"WWW-HTTP", 80},
                                                      {"KERBEROS", 88},
                                                      {"HOSTNAME", 101},
                                                      {"HOSTNAMES", 101},
                                                      {"ISO-TSAP", 102},
                                                      {"POP2", 109},
                                                      {"POP3", 110},
                                                      {"SUNRPC", 111},
                                                      {"IDENT", 113},
                                                      {"AUTH", 113},
                                                      {"SFTP", 115},
                                                      {"NNTP", 119},
                                                      {"NTP", 123},
                                                      {"EPMAP", 135},
                                                      {"NETBIOS-NS", 137},
                                                      {"NETBIOS-DGM", 138},
                                                      {"NETBIOS-SSN", 139},
                                                      {"IMAP", 143},
                                                      {"SNMP", 161},
                                                      {"SNMPTRAP", 162},
                                                      {"XDMCP", 177},
                                                      {"BGP", 179},
                                                      {"IRC", 194},
                                                      {"QMTP", 209},
                                                      {"Z39.50", 210},
                                                      {"IMAP3", 220},
                                                      {"PTP-EVENT", 319},
                                                      {"PTP-GENERAL", 320},
                                                      {"LDAP", 389},
                                                      {"SVRLOC", 427},
                                                      {"HTTPS", 443},
                                                      {"SNPP", 444},
                                                      {"MICROSOFT-DS", 445},
                                                      {"KPASSWD", 464},
                                                      {"SUBMISSIONS", 465},
                                                      {"ISAKMP", 500},
                                                      {"EXEC", 512},
                                                      {"LOGIN", 513},
                                                      {"WHO", 513},
                                                      {"SHELL", 514},
                                                      {"SYSLOG", 514},
                                                      {"PRINTER", 515},
                                                      {"TALK", 517},
                                                      {"NTALK", 518},
                                                      {"ROUTER", 520},
                                                      {"RIPNG", 521},
                                                      {"UUCP", 540},
                                                      {"KLOGIN", 543},
                                                      {"KSHELL", 544},
                                                      {"DHCPV6-CLIENT", 546},
                                                      {"DHCPV6-SERVER", 547},
                                                      {"AFPOVERTCP", 548},
                                                      {"RTSP", 554},
                                                      {"NNTPS", 563},
                                                      {"SUBMISSION", 587},
                                                      {"ASF-RMCP", 623},
                                                      {"IPP", 631},
                                                      {"LDAPS", 636},
                                                      {"LDP", 646},
                                                      {"KERBEROS-ADM", 749},
                                                      {"DOMAIN-S", 853},
                                                      {"RSYNC", 873},
                                                      {"FTPS-DATA", 989},
                                                      {"FTPS", 990},
                                                      {"TELNETS", 992},
                                                      {"IMAPS", 993},
                                                      {"POP3S", 995},
                                                      {"SOCKS", 1080},
                                                      {"RADIUS", 1812},
                                                      {"RADIUS-ACCT", 1813},
                                                      {"NFS", 2049},
                                                      {"DIAMETER", 3868},
                                                      {"SIP", 5060},
                                                      {"SIPS", 5061},
                                                      {"XMPP-CLIENT", 5222},
                                                      {"XMPP-SERVER", 5269},
                                                      {"POSTGRESQL", 5432},
                                                      {"MYSQL", 3306}});

constexpr size_t max_bitmap = 8192;

}  // namespace

void check_services(RdataCursor& at) {
  at.u8();
  const Bytes bitmap = at.all();
  at.require(bitmap.size() <= max_bitmap && (bitmap.empty() || bitmap.back() != 0));
}

Result<void, SyntaxError> read_services(TextFields& fields) {
  constexpr std::string_view expected_protocol = "a protocol number up to 255, or TCP or UDP";
  constexpr std::string_view expected_port = "a port number up to 65535, or a service such as SMTP";
  const Token protocol = TRY(fields.word(expected_protocol));
  auto number = value_of(protocols, protocol.text);
  if (!number.has_value()) {
    const auto parsed = parse_number(protocol.text, UINT8_MAX);
    if (!parsed.has_value())
      return wrong(protocol, "unknown protocol", expected_protocol, nearest_name(protocols, protocol.text));
    number = static_cast<u32>(*parsed);
  }
  fields.out().u8(static_cast<u8>(*number));

  std::array<u8, max_bitmap> bitmap{};
  size_t size = 0;
  for (Token token = TRY(fields.next_or_end()); token.is_text(); token = TRY(fields.next_or_end())) {
    const auto named = value_of(services, token.text);
    const auto port = named.has_value() ? std::optional<u64>(*named) : parse_number(token.text, UINT16_MAX);
    if (!port.has_value()) return wrong(token, "unknown service", expected_port, nearest_name(services, token.text));
    bitmap[*port / 8] |= static_cast<u8>(0x80 >> (*port % 8));
    size = std::max<size_t>(size, *port / 8 + 1);
  }
  fields.out().bytes(Bytes(bitmap).first(size));
  return {};
}

void write_services(RdataCursor& at, TextWriter& out) {
  out.put(at.u8());
  const Bytes bitmap = at.all();
  for (size_t port = 0; port < bitmap.size() * 8; ++port) {
    if ((bitmap[port / 8] & (0x80 >> (port % 8))) == 0) continue;
    out.put(' ');
    out.put(port);
  }
}

}  // namespace samara::dns
