// SPDX-License-Identifier: MIT
#include "compiled.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <utility>

#include <dlfcn.h>
#include <elf.h>
#include <sys/statvfs.h>
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>

#include "failure.hpp"
#include "sha256.hpp"
#include "stderr_capture.hpp"

namespace isthmus {
namespace {

namespace fs = std::filesystem;

bool ends_with(const std::string &text, const std::string &end) {
  return text.size() >= end.size() &&
         text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// The reason in what AOTInductor printed: its last line without the "Error: " before it.
std::string reason_in(const std::string &printed) {
  const std::size_t begin = printed.find("Error: ");
  const std::string text = begin == std::string::npos ? printed : printed.substr(begin + 7);
  return text.substr(0, text.find('\n'));
}

std::string temporary_folder() {
  for (const char *variable : {"TMPDIR", "TMP", "TEMP"})
    if (const char *path = std::getenv(variable); path && *path)
      return path;
  return "/tmp";
}

void unpack(const Archive &archive, const std::string &entry, const std::string &folder) {
  const std::string path = folder + entry.substr(entry.rfind('/'));
  const std::string bytes = archive.bytes_of(entry);
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file)
    throw Failure(ISTHMUS_ERR_FILE, "cannot unpack into " + in_quotes(folder) + ": " +
                                        std::strerror(errno) +
                                        ". Is the disk full? Set TMPDIR to another folder");
}

/// What the headers of a library tell before the system's loader maps it.
struct LibraryFacts {
  bool is_whole = false;               // the loader dies on one that is cut short
  bool wants_executable_stack = false; // glibc 2.41 and later refuse it
};

LibraryFacts facts_of(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  Elf64_Ehdr head{};
  file.read(reinterpret_cast<char *>(&head), sizeof head);
  if (!file || std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
      head.e_ident[EI_CLASS] != ELFCLASS64)
    return {};
  LibraryFacts facts{true, false};
  for (int i = 0; i < head.e_phnum; ++i) {
    Elf64_Phdr part{};
    file.seekg(static_cast<std::streamoff>(head.e_phoff) + i * head.e_phentsize);
    file.read(reinterpret_cast<char *>(&part), sizeof part);
    if (!file ||
        (part.p_type == PT_LOAD && part.p_offset + part.p_filesz > fs::file_size(path)))
      return {};
    if (part.p_type == PT_GNU_STACK)
      facts.wants_executable_stack = (part.p_flags & PF_X) != 0;
  }
  return facts;
}

std::string advice_on(const std::string &library) {
  struct statvfs info{};
  if (statvfs(library.c_str(), &info) == 0 && (info.f_flag & ST_NOEXEC))
    return ". The temporary folder is mounted noexec: set TMPDIR to one where programs "
           "may run";
  if (facts_of(library).wants_executable_stack)
    return ". It asks for an executable stack: export it again, with the option "
           "aot_inductor.use_consts_asm_build set to False";
  return "";
}

/// AOTInductor lists operators it has no kernel for in a file beside the library.
bool has_other_operators(const std::string &folder) {
  for (const auto &file : fs::directory_iterator(folder)) {
    const std::string name = file.path().string();
    if (ends_with(name, ".json") && !ends_with(name, "_metadata.json"))
      return true;
  }
  return false;
}

/// Symbols that GCC marks unique, and data of threads, keep the system's loader from ever
/// unmapping a compiled library. So it is mapped once: the same bytes, loaded again, are
/// the same library, and memory stays flat over loads and frees.
void *opened(const std::string &path) {
  static std::mutex opening;
  static std::map<std::string, void *> libraries; // by SHA-256
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  const std::string content = bytes.str();
  const std::string sum = sha256(content.data(), content.size());
  const std::lock_guard<std::mutex> lock(opening);
  const auto known = libraries.find(sum);
  if (known != libraries.end())
    return known->second;
  void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle)
    libraries[sum] = handle;
  return handle;
}

} // namespace

PrivateFolder::PrivateFolder() : path_(temporary_folder() + "/isthmus-XXXXXX") {
  if (!mkdtemp(path_.data())) // for the owner alone, as POSIX has it
    throw Failure(ISTHMUS_ERR_FILE, "no temporary folder can be made in " +
                                        in_quotes(temporary_folder()) + ": " +
                                        std::strerror(errno) +
                                        ". Set TMPDIR to a folder that can be written");
}

PrivateFolder::~PrivateFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

/// The loaded library of a model: the functions of AOTInductor's C interface in it.
struct CompiledModel::Library {
  using Container = void *;
  using Handle = void *; // of a tensor

  void *handle = nullptr;
  Container container = nullptr;
  /// For networks with operators that only torch's own loader can call (custom ones).
  std::unique_ptr<torch::inductor::AOTIModelPackageLoader> loader;

  int (*create)(Container *, std::size_t, const char *, const char *) = nullptr;
  int (*destroy)(Container) = nullptr;
  int (*run)(Container, Handle *, std::size_t, Handle *, std::size_t, void *,
             void *) = nullptr;
  int (*count_inputs)(Container, std::size_t *) = nullptr;
  int (*count_outputs)(Container, std::size_t *) = nullptr;
  int (*structure)(Container, const char **, const char **) = nullptr;
  int (*last_error)(const char **) = nullptr; // not in packages of older torch

  explicit Library(const std::string &path);
  ~Library();
  template <typename Function> bool find(const char *name, Function &function) {
    function = reinterpret_cast<Function>(dlsym(handle, name));
    return function != nullptr;
  }
  std::string reason(const StderrCapture &capture) const;
};

CompiledModel::Library::Library(const std::string &path) {
  if (!facts_of(path).is_whole)
    throw Failure(ISTHMUS_ERR_FILE, "its compiled library is damaged");
  handle = opened(path);
  if (!handle) {
    const char *reason = dlerror();
    throw Failure(ISTHMUS_ERR_FILE, (reason ? reason : "unknown") + advice_on(path));
  }
  find("AOTInductorGetLastError", last_error);
  if (!find("AOTInductorModelContainerCreateWithDevice", create) ||
      !find("AOTInductorModelContainerDelete", destroy) ||
      !find("AOTInductorModelContainerRunSingleThreaded", run) ||
      !find("AOTInductorModelContainerGetNumInputs", count_inputs) ||
      !find("AOTInductorModelContainerGetNumOutputs", count_outputs) ||
      !find("AOTInductorModelContainerGetCallSpec", structure))
    throw Failure(ISTHMUS_ERR_FILE, "the compiled library lacks functions of AOTInductor: "
                                    "it is of another version of torch, or damaged");
}

CompiledModel::Library::~Library() {
  const StderrCapture quiet;
  if (container)
    destroy(container);
}

std::string CompiledModel::Library::reason(const StderrCapture &capture) const {
  const char *text = nullptr;
  std::string reason;
  if (last_error && last_error(&text) == 0 && text)
    reason = std::string(text).substr(0, std::string(text).find('\n'));
  if (reason.empty())
    reason = reason_in(capture.text());
  return reason.empty() ? "AOTInductor gives no reason" : reason;
}

CompiledModel::CompiledModel(const Archive &archive, const std::string &model,
                             c10::Device device) {
  folder_ = std::make_unique<PrivateFolder>();
  const std::string start = "data/aotinductor/" + model + "/";
  for (const std::string &entry : archive.entries()) {
    if (entry.compare(0, 13, "data/weights/") == 0)
      throw Failure(ISTHMUS_ERR_FILE,
                    "it keeps weights outside the compiled library: export it without "
                    "the option aot_inductor.package_constants_on_disk");
    if (entry.compare(0, start.size(), start) == 0 && !ends_with(entry, ".cpp"))
      unpack(archive, entry, folder_->path());
  }
  create(folder_->path(), device);
  if (has_other_operators(folder_->path()))
    library_->loader = std::make_unique<torch::inductor::AOTIModelPackageLoader>(
        archive.path(), model, /*run_single_threaded=*/true, /*num_runners=*/1,
        device.index());
  if (device.is_cpu())
    folder_.reset(); // all is mapped; on other devices kernels are read when first used
}

CompiledModel::~CompiledModel() = default;

bool CompiledModel::has_own_operators() const { return library_->loader != nullptr; }

void CompiledModel::create(const std::string &folder, c10::Device device) {
  std::string library;
  for (const auto &file : fs::directory_iterator(folder))
    if (ends_with(file.path().string(), ".so"))
      library = file.path().string();
  if (library.empty())
    throw Failure(ISTHMUS_ERR_FILE, "it holds no compiled library (.so)");
  library_ = std::make_unique<Library>(library);
  const StderrCapture capture;
  // One model per thread, so one runner that nobody shares: no locks, no waiting.
  if (library_->create(&library_->container, 1, device.str().c_str(), folder.c_str()) != 0)
    throw Failure(ISTHMUS_ERR_FILE, library_->reason(capture));
  const char *in = nullptr, *out = nullptr;
  if (library_->count_inputs(library_->container, &n_inputs_) != 0 ||
      library_->count_outputs(library_->container, &n_outputs_) != 0 ||
      library_->structure(library_->container, &in, &out) != 0 || !out)
    throw Failure(ISTHMUS_ERR_FILE, library_->reason(capture));
  output_structure_ = out;
  handles_.resize(n_inputs_ + n_outputs_);
}

void CompiledModel::run(const std::vector<at::Tensor> &inputs,
                        std::vector<at::Tensor> &results, void *stream) {
  if (inputs.size() != n_inputs_)
    throw Failure(ISTHMUS_ERR_RUNTIME,
                  "the compiled network takes " + std::to_string(n_inputs_) +
                      " inputs, given are " + std::to_string(inputs.size()));
  const StderrCapture capture;
  if (library_->loader) {
    results = library_->loader->run(inputs, stream);
    return;
  }
  void **outputs = handles_.data() + n_inputs_;
  for (std::size_t i = 0; i < n_inputs_; ++i)
    handles_[i] = new at::Tensor(inputs[i]); // the callee takes it and leaves null here
  std::fill(outputs, outputs + n_outputs_, nullptr);
  const int status = library_->run(library_->container, handles_.data(), n_inputs_, outputs,
                                   n_outputs_, stream, nullptr);
  for (std::size_t i = 0; i < n_inputs_; ++i) // left if it refused before it took them
    delete static_cast<at::Tensor *>(std::exchange(handles_[i], nullptr));
  take(results);
  if (status != 0)
    throw Failure(ISTHMUS_ERR_RUNTIME, library_->reason(capture));
}

/// A handle is the address of a tensor that is ours now. A result that the network returns
/// twice is one handle, told twice.
void CompiledModel::take(std::vector<at::Tensor> &results) {
  void **outputs = handles_.data() + n_inputs_;
  results.resize(n_outputs_);
  for (std::size_t i = 0; i < n_outputs_; ++i) {
    void **first = std::find(outputs, outputs + i, outputs[i]);
    if (first != outputs + i) {
      results[i] = results[static_cast<std::size_t>(first - outputs)];
      continue;
    }
    const std::unique_ptr<at::Tensor> result(static_cast<at::Tensor *>(outputs[i]));
    results[i] = result ? std::move(*result) : at::Tensor();
  }
}

} // namespace isthmus
