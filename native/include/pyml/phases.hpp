// What a long computation tells its caller: the name of each phase as it begins, and how long the ones before took.
//
//   Phases phases(notice);  phases.begin("constraints");  phases.end();  phases.timings()
//
// The notice may throw, which ends the computation: between phases is where a prover can be interrupted.
#pragma once
#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace pyml {

class Phases {
 public:
  using Notice = std::function<void(const char*)>;
  explicit Phases(Notice notice = {}) : notice_(std::move(notice)) {}

  void begin(const char* name) {
    end();
    if (notice_) notice_(name);
    name_ = name;
    start_ = Clock::now();
  }
  void end() {
    if (name_) timings_.emplace_back(name_, std::chrono::duration<double>(Clock::now() - start_).count());
    name_ = nullptr;
  }
  const std::vector<std::pair<std::string, double>>& timings() const { return timings_; }

 private:
  using Clock = std::chrono::steady_clock;
  Notice notice_;
  const char* name_ = nullptr;
  Clock::time_point start_;
  std::vector<std::pair<std::string, double>> timings_;
};

}  // namespace pyml
