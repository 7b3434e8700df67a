// Random valid data of any type, made from the fields of its descriptor. The same seed gives the same data.
#pragma once

#include <random>
#include <string_view>
#include <vector>

#include "dns-core/rdata/descriptor.h"
#include "dns-core/rdata/rdata.h"

namespace samara::dns::test {

class RandomRdata {
 public:
  // `plain` keeps away from details that some other tools get wrong in every type: quotes in names, hashes that would need
  // padding in base 32, service parameters that are newer than 2023.
  enum class Style : u8 { any, plain };
  explicit RandomRdata(u32 seed, Style style = Style::any) : engine_(seed), plain_(style == Style::plain) {}

  u32 below(u32 bound) { return static_cast<u32>(engine_() % bound); }

  std::vector<u8> data(const Descriptor& descriptor) {
    out_.clear();
    type_ = descriptor.type;
    for (const Field field : descriptor.used_fields()) put(field);
    return out_;
  }

 private:
  void number(size_t octets) {
    // Often small or at a limit, where formats have their edges.
    const u32 kind = below(4);
    for (size_t i = 0; i < octets; ++i) {
      u32 octet = below(256);
      if (kind == 0) octet = i + 1 == octets ? below(10) : 0;
      if (kind == 1) octet = 255;
      out_.push_back(static_cast<u8>(octet));
    }
  }
  void octets(size_t least, size_t most) {
    const size_t size = least + below(static_cast<u32>(most - least + 1));
    for (size_t i = 0; i < size; ++i) out_.push_back(static_cast<u8>(below(256)));
  }
  u8 label_octet() {
    constexpr std::string_view usual = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_*";
    if (below(12) != 0) return static_cast<u8>(usual[below(static_cast<u32>(usual.size()))]);
    const auto octet = static_cast<u8>(below(256));
    return plain_ && octet == '"' ? u8{'q'} : octet;
  }
  void name() {
    size_t left = 254;
    for (u32 labels = below(5); labels > 0; --labels) {
      const size_t size = 1 + below(below(10) == 0 ? 63 : 12);
      if (size + 1 > left) break;
      left -= size + 1;
      out_.push_back(static_cast<u8>(size));
      for (size_t i = 0; i < size; ++i) out_.push_back(label_octet());
    }
    out_.push_back(0);
  }
  void string(size_t most = 20) {
    const size_t size = below(static_cast<u32>(most + 1));
    out_.push_back(static_cast<u8>(size));
    for (size_t i = 0; i < size; ++i) out_.push_back(label_octet());
  }
  void bitmap(u32 least) {
    u32 window = 0;
    for (u32 count = least + below(3); count > 0 && window < 256; --count) {
      const u32 size = 1 + below(32);
      out_.push_back(static_cast<u8>(window));
      out_.push_back(static_cast<u8>(size));
      for (u32 i = 0; i + 1 < size; ++i) out_.push_back(below(3) == 0 ? static_cast<u8>(below(256)) : u8{0});
      out_.push_back(static_cast<u8>(1 + below(255)));
      window += 1 + below(130);
    }
  }
  void digest() {
    const u8 kind = out_.back();
    struct Known {
      RrType type;
      u8 kind;
      u8 size;
    };
    constexpr Known known[] = {{RrType::DS, 1, 20},   {RrType::DS, 2, 32},   {RrType::DS, 3, 32},     {RrType::DS, 4, 48},
                               {RrType::DS, 5, 32},   {RrType::DS, 6, 32},   {RrType::SSHFP, 1, 20},  {RrType::SSHFP, 2, 32},
                               {RrType::TLSA, 1, 32}, {RrType::TLSA, 2, 64}, {RrType::ZONEMD, 1, 48}, {RrType::ZONEMD, 2, 64}};
    RrType family = type_;
    if (type_ == RrType::CDS || type_ == RrType::TA || type_ == RrType::DLV) family = RrType::DS;
    if (type_ == RrType::SMIMEA) family = RrType::TLSA;
    for (const Known& k : known) {
      if (k.type == family && k.kind == kind) return octets(k.size, k.size);
    }
    octets(12, 50);
  }
  void location() {
    const auto precision = [&] { out_.push_back(static_cast<u8>((1 + below(9)) << 4 | below(10))); };
    const auto angle = [&](u32 max) { number32((1U << 31) - max + below(2 * max + 1)); };
    out_.push_back(0);
    for (int i = 0; i < 3; ++i) precision();
    angle(324'000'000);
    angle(648'000'000);
    number32(static_cast<u32>(engine_()));
  }
  void number32(u32 value) {
    for (int shift = 24; shift >= 0; shift -= 8) out_.push_back(static_cast<u8>(value >> shift));
  }
  void prefixes() {
    for (u32 count = below(4); count > 0; --count) {
      const bool v4 = below(2) == 0;
      const u32 width = v4 ? 4 : 16;
      const u32 size = below(width + 1);
      out_.push_back(0);
      out_.push_back(v4 ? 1 : 2);
      out_.push_back(static_cast<u8>(below(width * 8 + 1)));
      out_.push_back(static_cast<u8>(size | (below(2) << 7)));
      for (u32 i = 0; i < size; ++i) out_.push_back(static_cast<u8>(i + 1 == size ? 1 + below(255) : below(256)));
    }
  }
  void place(u32 kind) {
    if (kind == 1) octets(4, 4);
    if (kind == 2) octets(16, 16);
    if (kind == 3) name();
  }
  void parameters() {
    for (u32 key = 1 + below(4); key < 65535; key += 1 + below(below(3) == 0 ? 30000 : 4)) {
      std::vector<u8> value;
      std::swap(value, out_);
      switch (key) {
        case 1:
          for (u32 count = 1 + below(3); count > 0; --count) {
            const u32 size = 1 + below(8);
            out_.push_back(static_cast<u8>(size));
            for (u32 i = 0; i < size; ++i) out_.push_back(label_octet());
          }
          break;
        case 2: std::swap(value, out_); continue;  // needs alpn
        case 8:
        case 9:
        case 10:
        case 11:
        case 12:
          if (plain_) {
            std::swap(value, out_);
            continue;
          }
          if (key == 9) octets(2, 2);
          if (key == 10 || key == 12) {
            for (u8 id = 'a' + static_cast<u8>(below(3)); id < 'f'; ++id) {
              out_.push_back(1);
              out_.push_back(id);
              if (key == 12) out_.push_back(static_cast<u8>(below(101)));
            }
          }
          break;
        case 3: octets(2, 2); break;
        case 4:
          for (u32 count = 1 + below(3); count > 0; --count) octets(4, 4);
          break;
        case 6:
          for (u32 count = 1 + below(3); count > 0; --count) octets(16, 16);
          break;
        case 7:
          for (const char c : std::string_view("/dns-query{?dns}")) out_.push_back(static_cast<u8>(c));
          break;
        default: octets(1, 12); break;
      }
      std::swap(value, out_);
      for (const u32 n : {key, static_cast<u32>(value.size())}) {
        out_.push_back(static_cast<u8>(n >> 8));
        out_.push_back(static_cast<u8>(n));
      }
      out_.insert(out_.end(), value.begin(), value.end());
    }
  }

  void put(Field field) {
    switch (field) {
      case Field::name: return name();
      case Field::string: return string();
      case Field::string_or_none:
        if (below(2) == 0) string();
        return;
      case Field::strings:
        for (u32 count = 1 + below(4); count > 0; --count) string(below(10) == 0 ? 255 : 20);
        return;
      case Field::digits:
      case Field::tag: {
        const size_t size = 4 + below(10);
        out_.push_back(static_cast<u8>(size));
        for (size_t i = 0; i < size; ++i) out_.push_back(static_cast<u8>('0' + below(10)));
        return;
      }
      case Field::text:
      case Field::base64_or_none:
      case Field::base64_or_dash:
      case Field::opaque: return octets(0, 40);
      case Field::text_not_empty:
      case Field::hex:
      case Field::base64:
      case Field::nsap: return octets(1, 40);
      case Field::digest: return digest();
      case Field::salt:
      case Field::hash: {
        size_t size = (field == Field::hash ? 1 : 0) + below(30);
        if (field == Field::hash && (plain_ || out_[0] == 1)) size = 20;
        out_.push_back(static_cast<u8>(size));
        return octets(size, size);
      }
      case Field::sized_base64: {
        const size_t size = below(40);
        out_.push_back(0);
        out_.push_back(static_cast<u8>(size));
        return octets(size, size);
      }
      case Field::types: return bitmap(1);
      case Field::types_or_none: return bitmap(0);
      case Field::nxt_types: out_.push_back(static_cast<u8>(1 + below(127))); return;
      case Field::services:
        out_.push_back(static_cast<u8>(below(256)));
        octets(0, 20);
        out_.push_back(static_cast<u8>(1 + below(255)));
        return;
      case Field::location: return location();
      case Field::prefixes: return prefixes();
      case Field::ipsec_gateway: {
        const u32 kind = below(4);
        out_.push_back(static_cast<u8>(kind));
        out_.push_back(static_cast<u8>(below(4)));
        return place(kind);
      }
      case Field::amt_relay: {
        const u32 kind = below(4);
        out_.push_back(static_cast<u8>(kind | (below(2) << 7)));
        return place(kind);
      }
      case Field::a6_address: {
        const u32 length = below(17) * 8;
        out_.push_back(static_cast<u8>(length));
        octets((128 - length) / 8, (128 - length) / 8);
        if (length != 0) name();
        return;
      }
      case Field::host_identity: {
        const u32 tag = 1 + below(20);
        const u32 key = 1 + below(40);
        for (const u32 n : {tag, below(256), u32{0}, key}) out_.push_back(static_cast<u8>(n));
        octets(tag + key, tag + key);
        for (u32 count = below(3); count > 0; --count) name();
        return;
      }
      case Field::atm_address: out_.push_back(0); return octets(1, 20);
      case Field::service_parameters: return parameters();
      default: return number(fixed_size(field));
    }
  }

  std::mt19937 engine_;
  bool plain_;
  std::vector<u8> out_;
  RrType type_{};
};

}  // namespace samara::dns::test
