// Memory for secrets: overwritten with zeros before it is given back, neither copied nor printed.
//
//   Secret<Fr> weights(n);   weights.data() size() [] begin() end(); moves, does not copy
//   wipe(pointer, bytes)     overwrites; the compiler may not leave it out
//
// Exceptions of this library never carry values, only sizes and positions.
#pragma once
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace pyml {

void wipe(void* memory, std::size_t bytes);

template <class T>
class Secret {
  static_assert(std::is_trivially_copyable_v<T>, "a secret is plain bytes");

 public:
  Secret() = default;
  explicit Secret(std::size_t n) : items_(new T[n]()), size_(n) {}
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  Secret(Secret&& o) noexcept : items_(std::move(o.items_)), size_(std::exchange(o.size_, 0)) {}
  Secret& operator=(Secret&& o) noexcept {
    if (this != &o) {
      clear();
      items_ = std::move(o.items_);
      size_ = std::exchange(o.size_, 0);
    }
    return *this;
  }
  ~Secret() { clear(); }

  void clear() {
    if (items_) wipe(items_.get(), size_ * sizeof(T));
    items_.reset();
    size_ = 0;
  }

  T* data() { return items_.get(); }
  const T* data() const { return items_.get(); }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T& operator[](std::size_t i) { return items_[i]; }
  const T& operator[](std::size_t i) const { return items_[i]; }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }

 private:
  std::unique_ptr<T[]> items_;
  std::size_t size_ = 0;
};

}  // namespace pyml
