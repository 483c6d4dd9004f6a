// Which implementation of the field the process uses, chosen once at run time.
//
//   portable  unsigned __int128, any 64-bit machine
//   mulx      x86-64 with BMI2 and ADX: mulx/adcx/adox assembly
//   ifma      mulx for single products, AVX-512 IFMA (8 lanes of 5 x 52 bits) for vectors
//
// All three give the same bits everywhere. The choice is the best that the processor has, or what the environment
// variable PYML_NATIVE_PATH names, or what select_path() was given; it must not change while a computation runs.
#pragma once
#include <string_view>

namespace pyml {

enum class Path { portable = 0, mulx = 1, ifma = 2 };

bool is_supported(Path path);
Path best_path();
Path current_path();
void select_path(Path path);              // throws std::invalid_argument if the processor lacks it
Path path_from_name(std::string_view name);  // throws std::invalid_argument for any other word
const char* path_name(Path path);

namespace detail {
// Read by every product; a plain bool because it is written only while no other thread computes.
extern bool use_mulx;
extern bool use_ifma;
}  // namespace detail

}  // namespace pyml
