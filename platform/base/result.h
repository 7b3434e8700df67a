// Result<T, E>: a value or the reason there is none. No exceptions exist in an image, so every fallible function returns
// one and the compiler insists that it is looked at.
//
//   Result<u16, ReadError> port = reader.u16();
//   const u16 port = TRY(reader.u16());        // returns the error to our own caller
//   return fail(ReadError::truncated);
//
// Asking a Result for what it does not hold is our bug and traps.
#pragma once

#include <concepts>
#include <new>
#include <type_traits>
#include <utility>
#include <variant>

#include "platform/base/panic.h"

namespace samara {

template <class E>
class [[nodiscard]] Failure {
 public:
  constexpr explicit Failure(E error) : error_(std::move(error)) {}
  constexpr const E& error() const& { return error_; }
  constexpr E&& error() && { return std::move(error_); }

 private:
  E error_;
};

template <class E>
constexpr Failure<std::decay_t<E>> fail(E&& error) {
  return Failure<std::decay_t<E>>(std::forward<E>(error));
}

template <class T, class E>
class [[nodiscard]] Result {
 public:
  using Value = T;
  using Error = E;

  template <class U = T>
    requires(std::is_constructible_v<T, U &&> && !std::is_same_v<std::remove_cvref_t<U>, Result>)
  constexpr Result(U&& value)
      : state_(std::in_place_index<0>, std::forward<U>(value)) {}  // NOLINT(google-explicit-constructor)

  template <class F>
    requires std::is_constructible_v<E, const F&>
  constexpr Result(const Failure<F>& failure)
      : state_(std::in_place_index<1>, failure.error()) {}  // NOLINT(google-explicit-constructor)
  template <class F>
    requires std::is_constructible_v<E, F&&>
  constexpr Result(Failure<F>&& failure)  // NOLINT(google-explicit-constructor)
      : state_(std::in_place_index<1>, std::move(failure).error()) {}

  constexpr bool ok() const { return state_.index() == 0; }
  constexpr explicit operator bool() const { return ok(); }

  constexpr T& value() & {
    require(ok());
    return *std::get_if<0>(&state_);
  }
  constexpr const T& value() const& {
    require(ok());
    return *std::get_if<0>(&state_);
  }
  constexpr T&& value() && {
    require(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  constexpr const E& error() const {
    require(!ok());
    return *std::get_if<1>(&state_);
  }
  constexpr T value_or(T other) const& {
    if (ok()) return *std::get_if<0>(&state_);
    return other;
  }

  // The same value under another error type: `map_error([](ReadError) { return MessageError::truncated; })`.
  template <class F>
  constexpr auto map_error(F&& f) && -> Result<T, std::invoke_result_t<F, const E&>> {
    if (ok()) return std::move(*this).value();
    return fail(std::forward<F>(f)(error()));
  }
  template <class F>
  constexpr auto map(F&& f) && -> Result<std::invoke_result_t<F, T&&>, E> {
    if (!ok()) return fail(error());
    return std::forward<F>(f)(std::move(*this).value());
  }

 private:
  static constexpr void require(bool good) {
    if (!good) [[unlikely]] {
      panic("Result: asked for what it does not hold");
    }
  }
  std::variant<T, E> state_;
};

template <class E>
class [[nodiscard]] Result<void, E> {
 public:
  using Value = void;
  using Error = E;

  constexpr Result() = default;
  template <class F>
    requires std::is_constructible_v<E, const F&>
  constexpr Result(const Failure<F>& failure)
      : state_(std::in_place_index<1>, failure.error()) {}  // NOLINT(google-explicit-constructor)

  constexpr bool ok() const { return state_.index() == 0; }
  constexpr explicit operator bool() const { return ok(); }
  constexpr void value() const {
    if (!ok()) [[unlikely]] {
      panic("Result: asked for what it does not hold");
    }
  }
  constexpr const E& error() const {
    if (ok()) [[unlikely]] {
      panic("Result: asked for what it does not hold");
    }
    return *std::get_if<1>(&state_);
  }
  template <class F>
  constexpr auto map_error(F&& f) const -> Result<void, std::invoke_result_t<F, const E&>> {
    if (ok()) return {};
    return fail(std::forward<F>(f)(error()));
  }

 private:
  std::variant<std::monostate, E> state_;
};

}  // namespace samara

// Yields the value, or returns the error from the enclosing function (whose error type must be constructible from it).
#define TRY(...)                                                          \
  ({                                                                      \
    auto&& samara_try_result = (__VA_ARGS__);                             \
    if (!samara_try_result.ok()) [[unlikely]] {                           \
      return ::samara::fail(samara_try_result.error());                   \
    }                                                                     \
    std::forward<decltype(samara_try_result)>(samara_try_result).value(); \
  })

// Yields the value of something that cannot fail here; if it does, that is our bug.
#define MUST(...)                                                           \
  ({                                                                        \
    auto&& samara_must_result = (__VA_ARGS__);                              \
    if (!samara_must_result.ok()) [[unlikely]] {                            \
      ::samara::panic("MUST: " #__VA_ARGS__);                               \
    }                                                                       \
    std::forward<decltype(samara_must_result)>(samara_must_result).value(); \
  })
