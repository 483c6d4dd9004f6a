// Runs the tests on every path that the processor has: pyml_native_tests [WORD in the names].
#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "check.hpp"
#include "pyml/cpu.hpp"

namespace pyml::testing {
namespace {

std::vector<std::pair<const char*, void (*)()>>& tests() {
  static std::vector<std::pair<const char*, void (*)()>> list;
  return list;
}

}  // namespace

void add_test(const char* name, void (*body)()) { tests().emplace_back(name, body); }

int run_all(const std::string& word) {
  int run = 0, failed = 0;
  for (Path path : {Path::portable, Path::mulx, Path::ifma}) {
    if (!is_supported(path)) {
      std::printf("%s: not supported here\n", path_name(path));
      continue;
    }
    select_path(path);
    for (const auto& [name, body] : tests()) {
      if (std::string(name).find(word) == std::string::npos) continue;
      run++;
      try {
        body();
      } catch (const std::exception& error) {
        failed++;
        std::printf("FAILED %s on %s: %s\n", name, path_name(path), error.what());
      }
    }
  }
  std::printf("%d run, %d failed\n", run, failed);
  return failed || !run;
}

}  // namespace pyml::testing

int main(int count, char** arguments) { return pyml::testing::run_all(count > 1 ? arguments[1] : ""); }
