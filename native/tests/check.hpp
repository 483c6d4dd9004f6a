// A test is a function that throws at its first false claim; main.cpp runs all, or those whose names contain a word.
#pragma once
#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>

#include "pyml/field.hpp"

namespace pyml::testing {

struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void add_test(const char* name, void (*body)());

struct Registration {
  Registration(const char* name, void (*body)()) { add_test(name, body); }
};

// Seeded, so that a failure repeats.
template <class F>
F random_element(std::mt19937_64& random) {
  std::uint8_t bytes[32];
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return F::reduce_bytes(bytes);
}

}  // namespace pyml::testing

#define PYML_TEST(name)                                                          \
  static void name();                                                            \
  static const ::pyml::testing::Registration registration_of_##name(#name, name); \
  static void name()

#define CHECK(claim)                                                                                             \
  do {                                                                                                           \
    if (!(claim))                                                                                                \
      throw ::pyml::testing::Failure(std::string(__FILE__ ":") + std::to_string(__LINE__) + ": " + #claim);      \
  } while (0)

#define CHECK_THROWS(statement, type)                                                                            \
  do {                                                                                                           \
    bool thrown = false;                                                                                         \
    try {                                                                                                        \
      statement;                                                                                                 \
    } catch (const type&) {                                                                                      \
      thrown = true;                                                                                             \
    }                                                                                                            \
    if (!thrown)                                                                                                 \
      throw ::pyml::testing::Failure(std::string(__FILE__ ":") + std::to_string(__LINE__) + ": no " #type " from " + \
                                     #statement);                                                                \
  } while (0)
