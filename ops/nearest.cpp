#include "ops/nearest.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace samara::ops {

namespace {

char lower_letter(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

// Optimal string alignment distance.
size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> cost(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower_letter(a[i - 1]) == lower_letter(b[j - 1]);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && lower_letter(a[i - 1]) == lower_letter(b[j - 2]) &&
          lower_letter(a[i - 2]) == lower_letter(b[j - 1])) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

// Words of other servers, and of their older versions, for ours.
constexpr std::array<std::pair<std::string_view, std::string_view>, 14> synonyms{{{"master", "primary"},
                                                                                  {"slave", "secondary"},
                                                                                  {"masters", "primaries"},
                                                                                  {"notice", "info"},
                                                                                  {"critical", "error"},
                                                                                  {"trace", "debug"},
                                                                                  {"hmac-md5", "hmac-sha256"},
                                                                                  {"hmac-md5.sig-alg.reg.int", "hmac-sha256"},
                                                                                  {"qemu", "virtio"},
                                                                                  {"kvm", "virtio"},
                                                                                  {"process", "linux"},
                                                                                  {"remove", "delete"},
                                                                                  {"allow-transfer", "acl"},
                                                                                  {"also-notify", "notify"}}};
constexpr size_t shortest_beginning = 3;

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower_letter, lower_letter);
}

// The only candidate that begins with the word: "warn" for "warning".
std::string only_continuation(std::string_view word, std::span<const std::string> candidates) {
  std::string only;
  for (const std::string& candidate : candidates) {
    if (word.size() < shortest_beginning || !same_word(word, std::string_view(candidate).substr(0, word.size()))) continue;
    if (!only.empty()) return {};
    only = candidate;
  }
  return only;
}

constexpr size_t longest_word = 64;  // nothing longer is a mistyped key

}  // namespace

std::string nearest_word(std::string_view word, std::span<const std::string> candidates) {
  if (word.size() > longest_word) return {};
  for (const auto& [theirs, ours] : synonyms) {
    if (same_word(word, theirs) && std::ranges::find(candidates, ours) != candidates.end()) return std::string(ours);
  }
  std::string best;
  size_t best_edits = std::max<size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > longest_word) continue;
    const size_t distance = edits(word, candidate);
    if (distance < best_edits) {
      best_edits = distance;
      best = candidate;
    }
  }
  return best.empty() ? only_continuation(word, candidates) : best;
}

}  // namespace samara::ops
