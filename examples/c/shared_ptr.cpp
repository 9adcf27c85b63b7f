// std::shared_ptr and std::weak_ptr as a heap: it counts references, and frees no cycles.
//
//     gcstorm header > gcstorm.h
//     c++ -std=c++20 -O2 -shared -fPIC -I. -o libshared_ptr.so shared_ptr.cpp
//     gcstorm run --heap ./libshared_ptr.so
//
// What dies is dropped one object after the other (`dying`): a chain may be longer than any stack.
#include "gcstorm.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

struct Object;
using Ref = std::shared_ptr<Object>;

struct Heap {
    std::mutex lock;
    const gcstorm_host *host;
    uint32_t capacity, live = 0;
    std::vector<Ref> globals, dying;

    explicit Heap(const gcstorm_config &config)
        : host(config.host), capacity(config.capacity), globals(config.globals) {}
};

struct Object {
    Heap &heap;
    uint64_t tag;
    uint32_t shape;
    std::vector<Ref> references;
    int64_t number = 0;

    Object(Heap &heap, uint64_t tag, uint32_t shape)
        : heap(heap), tag(tag), shape(shape), references(shape == GCSTORM_NODE ? 2 : 0) {
        heap.live++;
    }
    ~Object() {
        heap.live--;
        heap.host->died(tag);
        std::move(references.begin(), references.end(), std::back_inserter(heap.dying));
    }
};

struct Register {
    Ref strong;
    std::weak_ptr<Object> weak;
    bool is_weak = false;
};

struct Mutator {
    Heap &heap;
    std::vector<Register> registers; // as many as were ever used
};

// One operation: it has the lock, and frees what it has dropped before it gives that back.
struct Turn {
    Mutator &mutator;
    Heap &heap;
    std::lock_guard<std::mutex> guard;

    explicit Turn(void *of)
        : mutator(*static_cast<Mutator *>(of)), heap(mutator.heap), guard(heap.lock) {}
    ~Turn() { drop_all(heap); }

    static void drop_all(Heap &heap) {
        while (!heap.dying.empty()) {
            Ref dropped = std::move(heap.dying.back());
            heap.dying.pop_back();
        }
    }

    Register &at(uint32_t slot) {
        if (slot >= mutator.registers.size()) mutator.registers.resize(slot + 1);
        return mutator.registers[slot];
    }
    void fill(uint32_t slot, Ref found) {
        heap.dying.push_back(std::move(at(slot).strong));
        at(slot) = {std::move(found), {}, false};
    }
    // The object in a register, if it has this shape. The register keeps it.
    Object *shaped(uint32_t slot, uint32_t shape) {
        Object *object = at(slot).strong.get();
        return object && object->shape == shape ? object : nullptr;
    }
    // Moves what is in a register to a place.
    void move(uint32_t slot, Ref &place) {
        heap.dying.push_back(std::exchange(place, std::move(at(slot).strong)));
    }
    int found(uint32_t slot, Ref found) {
        if (!found) return 0;
        fill(slot, std::move(found));
        return 1;
    }
    void cut(uint32_t list, uint64_t count, bool from_front) {
        Object *object = shaped(list, GCSTORM_LIST);
        if (!object) return;
        auto &elements = object->references;
        auto length = static_cast<std::ptrdiff_t>(std::min<uint64_t>(count, elements.size()));
        auto first = from_front ? elements.begin() : elements.end() - length;
        std::move(first, first + length, std::back_inserter(heap.dying));
        elements.erase(first, first + length);
    }
};

extern "C" const gcstorm_table *gcstorm_heap(void) {
    static const gcstorm_table table = {
        .version = GCSTORM_VERSION,
        .size = sizeof table,
        .abilities = GCSTORM_THREADS | GCSTORM_LISTS | GCSTORM_COUNTERS | GCSTORM_GLOBALS |
                     GCSTORM_WEAK | GCSTORM_CERTIFIES_DEATH,
        .open = [](const gcstorm_config *config, void **out) -> const char * {
            *out = new Heap(*config);
            return nullptr;
        },
        .close = [](void *heap_) {
            auto *heap = static_cast<Heap *>(heap_);
            heap->dying.swap(heap->globals);
            Turn::drop_all(*heap);
            delete heap;
        },
        .attach = [](void *heap, uint32_t, uint32_t, void **out) -> const char * {
            *out = new Mutator{*static_cast<Heap *>(heap), {}};
            return nullptr;
        },
        .detach = [](void *mutator) {
            Turn turn(mutator);
            for (auto &reg : turn.mutator.registers) turn.heap.dying.push_back(std::move(reg.strong));
            delete &turn.mutator;
        },
        .settle = [](void *) -> const char * { return nullptr; },
        .alloc = [](void *m, uint32_t dst, uint32_t shape, uint64_t tag, int32_t) -> int {
            Turn turn(m);
            if (turn.heap.live >= turn.heap.capacity) return 0;
            turn.fill(dst, std::make_shared<Object>(turn.heap, tag, shape));
            return 1;
        },
        .copy = [](void *m, uint32_t dst, uint32_t src) {
            Turn turn(m);
            Register copied = turn.at(src);
            if (!copied.strong && !copied.is_weak) return;
            turn.fill(dst, nullptr);
            turn.at(dst) = std::move(copied);
        },
        .clear = [](void *m, uint32_t slot) { Turn(m).fill(slot, nullptr); },
        .load = [](void *m, uint32_t dst, uint32_t obj, uint32_t field) {
            Turn turn(m);
            Object *node = turn.shaped(obj, GCSTORM_NODE);
            if (node) turn.fill(dst, node->references[field]);
        },
        .store = [](void *m, uint32_t obj, uint32_t field, uint32_t val) {
            Turn turn(m);
            Object *node = turn.shaped(obj, GCSTORM_NODE);
            if (!node) return;
            Ref &place = node->references[field];
            if (val == GCSTORM_NOTHING)
                turn.heap.dying.push_back(std::move(place));
            else if (turn.at(val).strong)
                turn.move(val, place);
        },
        .peek = [](void *m, uint32_t slot, uint64_t *tag) -> int {
            Turn turn(m);
            Object *object = turn.at(slot).strong.get();
            if (object) *tag = object->tag;
            return object ? GCSTORM_OBJECT : GCSTORM_EMPTY;
        },
        .append = [](void *m, uint32_t list, uint32_t val) -> int {
            Turn turn(m);
            Object *object = turn.shaped(list, GCSTORM_LIST);
            if (!object || !turn.at(val).strong) return 0;
            object->references.push_back(std::move(turn.at(val).strong));
            return 1;
        },
        .len = [](void *m, uint32_t list) -> uint64_t {
            Turn turn(m);
            Object *object = turn.shaped(list, GCSTORM_LIST);
            return object ? object->references.size() : 0;
        },
        .get = [](void *m, uint32_t dst, uint32_t list, uint64_t index) -> int {
            Turn turn(m);
            Object *object = turn.shaped(list, GCSTORM_LIST);
            if (!object || index >= object->references.size()) return 0;
            return turn.found(dst, object->references[index]);
        },
        .set = [](void *m, uint32_t list, uint64_t index, uint32_t val) -> int {
            Turn turn(m);
            Object *object = turn.shaped(list, GCSTORM_LIST);
            if (!object || index >= object->references.size() || !turn.at(val).strong) return 0;
            turn.move(val, object->references[index]);
            return 1;
        },
        .pop = [](void *m, uint32_t dst, uint32_t list) -> int {
            Turn turn(m);
            Object *object = turn.shaped(list, GCSTORM_LIST);
            if (!object || object->references.empty()) return 0;
            Ref popped = std::move(object->references.back());
            object->references.pop_back();
            return turn.found(dst, std::move(popped));
        },
        .truncate_front = [](void *m, uint32_t list, uint64_t n) { Turn(m).cut(list, n, true); },
        .truncate_back = [](void *m, uint32_t list, uint64_t n) { Turn(m).cut(list, n, false); },
        .add = [](void *m, uint32_t counter, int64_t by) {
            Turn turn(m);
            Object *object = turn.shaped(counter, GCSTORM_COUNTER);
            if (object) object->number = static_cast<int64_t>(uint64_t(object->number) + uint64_t(by));
        },
        .read = [](void *m, uint32_t counter) -> int64_t {
            Turn turn(m);
            Object *object = turn.shaped(counter, GCSTORM_COUNTER);
            return object ? object->number : 0;
        },
        .write = [](void *m, uint32_t counter, int64_t value) {
            Turn turn(m);
            Object *object = turn.shaped(counter, GCSTORM_COUNTER);
            if (object) object->number = value;
        },
        .publish = [](void *m, uint32_t global, uint32_t src) {
            Turn turn(m);
            if (!turn.at(src).is_weak) turn.move(src, turn.heap.globals[global]);
        },
        .fetch = [](void *m, uint32_t dst, uint32_t global) -> int {
            Turn turn(m);
            return turn.found(dst, turn.heap.globals[global]);
        },
        .downgrade = [](void *m, uint32_t dst, uint32_t src) {
            Turn turn(m);
            Ref target = turn.at(src).strong;
            if (!target) return;
            turn.fill(dst, nullptr);
            turn.at(dst) = {nullptr, target, true};
            turn.heap.dying.push_back(std::move(target));
        },
        .upgrade = [](void *m, uint32_t dst, uint32_t weak) -> int {
            Turn turn(m);
            return turn.at(weak).is_weak ? turn.found(dst, turn.at(weak).weak.lock()) : 0;
        },
    };
    return &table;
}
