#include "server/node_resources.hpp"

#include "support/result_matchers.hpp"
#include "support/tree_builder.hpp"

namespace rtenv::server {
namespace {

class NodeResourcesTest : public testing::Test {
 protected:
  TempDir root_ = must(TempDir::create());
  Environment environment_;

  void write(const Path& path, const std::string& text) const {
    std::filesystem::create_directories((root_.path() / path).parent_path());
    std::ofstream(root_.path() / path) << text;
  }
  [[nodiscard]] NodeResources find() const {
    return find_node_resources(environment_, root_.path());
  }
};

TEST_F(NodeResourcesTest, FindsNvidiaGpusByTheirDeviceFiles) {
  for (const char* name : {"nvidia1", "nvidia0", "nvidiactl", "nvidia-uvm"})
    write(Path("dev") / name, "");
  EXPECT_THAT(find().gpus, testing::ElementsAre(0, 1));
  EXPECT_EQ(find().gpu_variable, "CUDA_VISIBLE_DEVICES");
  environment_.set("CUDA_VISIBLE_DEVICES", "1,7");
  EXPECT_THAT(find().gpus, testing::ElementsAre(1));
  environment_.set("CUDA_VISIBLE_DEVICES", "");
  EXPECT_THAT(find().gpus, testing::IsEmpty());
}

TEST_F(NodeResourcesTest, FindsAmdGpusByTheirTopology) {
  write("sys/class/kfd/kfd/topology/nodes/0/properties", "cpu_cores_count 8\nsimd_count 0\n");
  write("sys/class/kfd/kfd/topology/nodes/1/properties", "cpu_cores_count 0\nsimd_count 256\n");
  EXPECT_THAT(find().gpus, testing::ElementsAre(0));
  EXPECT_EQ(find().gpu_variable, "HIP_VISIBLE_DEVICES");
}

TEST_F(NodeResourcesTest, RespectsTheLimitsOfTheCgroup) {
  write("proc/meminfo", "MemTotal:       1024 kB\nMemFree: 5 kB\n");
  EXPECT_EQ(find().memory_bytes, 1 << 20);
  write("sys/fs/cgroup/memory.max", "4096\n");
  write("sys/fs/cgroup/cpu.max", "100000 100000\n");
  EXPECT_EQ(find().memory_bytes, 4096);
  EXPECT_EQ(find().cpus, 1);
  write("sys/fs/cgroup/memory.max", "max\n");
  EXPECT_EQ(find().memory_bytes, 1 << 20);
}

}  // namespace
}  // namespace rtenv::server
