#include "pyml/cpu.hpp"

#include <cstdlib>
#include <stdexcept>
#include <string>

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
#define PYML_X86 1
#else
#define PYML_X86 0
#endif

namespace pyml {
namespace {

#if PYML_X86
// The operating system must save the registers too, or using them would be a fault (XCR0 bits 1, 2, 5, 6, 7).
bool saves_avx512() {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return false;
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low & 0xe6) == 0xe6;
}

bool has_mulx() {
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  return (b & bit_BMI2) && (b & bit_ADX);
}

bool has_ifma() {
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  const unsigned wanted = bit_AVX512F | bit_AVX512DQ | bit_AVX512IFMA;
  return has_mulx() && (b & wanted) == wanted && saves_avx512();
}
#else
bool has_mulx() { return false; }
bool has_ifma() { return false; }
#endif

Path initial_path() {
  const char* name = std::getenv("PYML_NATIVE_PATH");
  if (!name || !*name) return best_path();
  try {
    const Path path = path_from_name(name);
    return is_supported(path) ? path : best_path();
  } catch (const std::invalid_argument&) {
    return best_path();  // select_path() reports errors; a library must not throw while it is being loaded
  }
}

}  // namespace

namespace detail {
bool use_mulx = initial_path() != Path::portable;
bool use_ifma = initial_path() == Path::ifma;
}  // namespace detail

bool is_supported(Path path) {
  static const bool mulx = has_mulx(), ifma = has_ifma();
  return path == Path::portable || (path == Path::mulx && mulx) || (path == Path::ifma && ifma);
}

Path best_path() {
  if (is_supported(Path::ifma)) return Path::ifma;
  return is_supported(Path::mulx) ? Path::mulx : Path::portable;
}

Path current_path() {
  if (detail::use_ifma) return Path::ifma;
  return detail::use_mulx ? Path::mulx : Path::portable;
}

void select_path(Path path) {
  if (!is_supported(path)) throw std::invalid_argument(std::string("this processor has no ") + path_name(path));
  detail::use_mulx = path != Path::portable;
  detail::use_ifma = path == Path::ifma;
}

Path path_from_name(std::string_view name) {
  for (Path path : {Path::portable, Path::mulx, Path::ifma})
    if (name == path_name(path)) return path;
  throw std::invalid_argument("a path is one of portable, mulx, ifma; not " + std::string(name.substr(0, 40)));
}

const char* path_name(Path path) {
  switch (path) {
    case Path::portable: return "portable";
    case Path::mulx: return "mulx";
    case Path::ifma: return "ifma";
  }
  return "?";
}

}  // namespace pyml
