#include "pyml/threads.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

namespace pyml {
namespace {

std::size_t usable_processors() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return static_cast<std::size_t>(std::max(1, CPU_COUNT(&set)));
#endif
  return std::max(1u, std::thread::hardware_concurrency());
}

std::atomic<std::size_t> count{usable_processors()};

// Runs work(0) … work(workers - 1), the first of them here, and throws the first exception after all have ended.
void run_workers(std::size_t workers, const std::function<void(std::size_t)>& work) {
  std::exception_ptr failure;
  std::mutex guard;
  auto guarded = [&](std::size_t worker) {
    try {
      work(worker);
    } catch (...) {
      const std::lock_guard<std::mutex> lock(guard);
      if (!failure) failure = std::current_exception();
    }
  };
  std::vector<std::thread> threads;
  threads.reserve(workers - 1);
  std::size_t started = 1;
  try {
    for (; started < workers; started++) threads.emplace_back(guarded, started);
  } catch (const std::system_error&) {
    // No further thread can be had: the rest is done here.
  }
  guarded(0);
  for (std::size_t worker = started; worker < workers; worker++) guarded(worker);
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace

std::size_t thread_count() { return count.load(); }

void set_thread_count(std::size_t n) {
  if (n < 1 || n > 1024) throw std::invalid_argument("a thread count is from 1 to 1024");
  count.store(n);
}

void parallel_for(std::size_t n, std::size_t grain, const std::function<void(std::size_t, std::size_t)>& work) {
  if (n == 0) return;
  const std::size_t slices = std::min(thread_count(), std::max<std::size_t>(1, n / std::max<std::size_t>(1, grain)));
  if (slices == 1) return work(0, n);
  const std::size_t share = n / slices, rest = n % slices;
  run_workers(slices, [&](std::size_t k) {
    const std::size_t begin = k * share + std::min(k, rest);
    work(begin, begin + share + (k < rest));
  });
}

void parallel_tasks(std::size_t n, const std::function<void(std::size_t)>& work) {
  if (n == 0) return;
  std::atomic<std::size_t> next{0};
  run_workers(std::min(n, thread_count()), [&](std::size_t) {
    for (std::size_t task; (task = next.fetch_add(1)) < n;) work(task);
  });
}

}  // namespace pyml
