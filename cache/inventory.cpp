#include "cache/inventory.hpp"

#include <algorithm>

namespace rtenv::cache {

SpaceLeft::SpaceLeft(const Inventory& inventory)
    : inventory_(&inventory), is_left_(inventory.items(), true), shared_of_(inventory.items()) {
  for (ItemIndex item = 0; item < inventory.items(); ++item) cache_bytes_ += own_bytes(item);
  for (std::size_t i = 0; i < inventory.shared.size(); ++i) {
    const SharedFiles& files = inventory.shared[i];
    cache_bytes_ += files.bytes;
    owners_left_.push_back(files.owners.size());
    for (const ItemIndex owner : files.owners) shared_of_[owner].push_back(i);
  }
}

std::uint64_t SpaceLeft::own_bytes(ItemIndex item) const {
  return inventory_->is_part(item) ? inventory_->part(item).own_bytes
                                   : inventory_->entries[item].size_bytes;
}

SpaceLeft::Gain SpaceLeft::gain(ItemIndex item) const {
  Gain gain{.cache_bytes = own_bytes(item), .disk_bytes = own_bytes(item)};
  for (const std::size_t i : shared_of_[item]) {
    if (owners_left_[i] > 1) continue;
    const SharedFiles& files = inventory_->shared[i];
    gain.cache_bytes += files.bytes;
    if (files.names == SharedFiles::Names::all_in_cache) gain.disk_bytes += files.bytes;
  }
  return gain;
}

bool SpaceLeft::is_needed(ItemIndex item) const {
  return std::ranges::any_of(shared_of_[item], [&](std::size_t i) {
    return std::ranges::any_of(inventory_->shared[i].owners, [&](ItemIndex owner) {
      return !inventory_->is_part(owner) && is_left_[owner];
    });
  });
}

SpaceLeft::Gain SpaceLeft::remove(ItemIndex item) {
  const Gain gained = gain(item);
  is_left_[item] = false;
  for (const std::size_t i : shared_of_[item]) --owners_left_[i];
  cache_bytes_ -= gained.cache_bytes;
  return gained;
}

}  // namespace rtenv::cache
