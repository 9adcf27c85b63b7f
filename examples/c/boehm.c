/*
 * The Boehm-Demers-Weiser collector (libgc): conservative, and used by many languages. It counts no
 * references, so this shows that the harness judges a collector by what it does.
 *
 *     apt install libgc-dev
 *     gcstorm header > gcstorm.h
 *     cc -O2 -shared -fPIC -I. -o libboehm.so boehm.c -lgc
 *     gcstorm run --heap ./libboehm.so
 *
 * Objects are found by the collector from the registers, the shared roots and the threads' stacks. A word
 * on a stack that looks like a reference keeps an object, so not every death is certain, and
 * GCSTORM_CERTIFIES_DEATH is not announced. libgc's finalizers say what died: it has no later hook.
 */
#define GC_THREADS
#define GC_NO_THREAD_REDIRECTS
#include <gc.h>

#include "gcstorm.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct object object;
typedef _Atomic(object *) reference;

struct object {
    uint64_t tag;
    uint8_t shape;
    _Atomic int64_t number;  /* of a counter */
    reference fields[2];     /* of a node */
    pthread_mutex_t lock;    /* of a list, and so are the rest */
    object **elements;
    size_t length, room;
};

typedef struct {
    const gcstorm_host *host;
    const void *pauses;
    reference *globals;
    uint32_t global_count, capacity;
    _Atomic uint64_t live;
} heap;

typedef struct {
    heap *heap;
    object **registers; /* as long as the highest register that was ever filled, and some more */
    uint32_t length;
} mutator;

/* ---- the heap ---- */

static pthread_once_t has_begun = PTHREAD_ONCE_INIT;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_opens = PTHREAD_COND_INITIALIZER;
static int is_open;

/* libgc takes the thread that calls it first for one that never ends, so this is one. */
static void *keep(void *nothing) {
    struct GC_stack_base base;
    GC_INIT();
    if (GC_get_stack_base(&base) == GC_SUCCESS) GC_set_stackbottom(NULL, &base);
    GC_allow_register_threads();
    /* Finalizers run where they are asked for, and never while a list is locked. */
    GC_set_finalize_on_demand(1);
    pthread_mutex_lock(&gate);
    is_open = 1;
    pthread_cond_broadcast(&gate_opens);
    pthread_mutex_unlock(&gate);
    for (;;) pause();
    return nothing;
}

static void begin(void) {
    pthread_t keeper;
    if (pthread_create(&keeper, NULL, keep, NULL)) abort();
    pthread_mutex_lock(&gate);
    while (!is_open) pthread_cond_wait(&gate_opens, &gate);
    pthread_mutex_unlock(&gate);
}

/* What the calling thread still needs libgc for: several mutators may be attached on one thread. */
static _Thread_local unsigned enlisted;

/* Makes the calling thread known to libgc. */
static void enlist(void) {
    struct GC_stack_base base;
    if (enlisted++) return;
    GC_get_stack_base(&base);
    GC_register_my_thread(&base);
}

static void delist(void) {
    if (--enlisted == 0) GC_unregister_my_thread();
}

static const char *heap_open(const gcstorm_config *config, void **out) {
    if (*config->text) return "nothing may stand after the colon";
    pthread_once(&has_begun, begin);
    enlist();
    heap *h = GC_MALLOC_UNCOLLECTABLE(sizeof *h);
    h->host = config->host;
    h->pauses = config->pauses;
    h->capacity = config->capacity;
    h->global_count = config->globals;
    h->globals = GC_MALLOC_UNCOLLECTABLE((config->globals + 1) * sizeof *h->globals);
    delist();
    *out = h;
    return NULL;
}

/* Collects until nothing more dies. Call it where nothing is locked, since finalizers run. */
static void collect_all(heap *h) {
    uint32_t held = h->host->hold(h->pauses, GCSTORM_COLLECT);
    uint64_t before;
    do {
        before = atomic_load(&h->live);
        GC_gcollect();
        GC_invoke_finalizers();
    } while (atomic_load(&h->live) < before);
    h->host->release(h->pauses, held);
}

static const char *heap_settle(void *heap_) {
    enlist();
    collect_all(heap_);
    delist();
    return NULL;
}

static void heap_close(void *heap_) {
    heap *h = heap_;
    enlist();
    for (uint32_t i = 0; i < h->global_count; i++) h->globals[i] = NULL;
    collect_all(h);
    GC_FREE(h->globals);
    h->globals = NULL;
    /* Something may look like a reference to an object, which then dies later and says so to the heap.
       So the heap itself stays. */
    delist();
}

static void heap_stats(void *heap_, gcstorm_stats *stats) {
    (void)heap_;
    stats->collections = stats->full_collections = GC_get_gc_no();
}

static const char *heap_attach(void *heap_, uint32_t number, uint32_t slots, void **out) {
    (void)number, (void)slots;
    enlist();
    mutator *m = GC_MALLOC_UNCOLLECTABLE(sizeof *m);
    m->heap = heap_;
    *out = m;
    return NULL;
}

static void heap_detach(void *mutator_) {
    mutator *m = mutator_;
    if (m->length) memset(m->registers, 0, m->length * sizeof *m->registers);
    GC_FREE(m);
    delist();
}

/* ---- operations ---- */

static object *at(mutator *m, uint32_t slot) {
    return slot < m->length ? m->registers[slot] : NULL;
}

static object *shaped(mutator *m, uint32_t slot, uint8_t shape) {
    object *o = at(m, slot);
    return o && o->shape == shape ? o : NULL;
}

static void fill(mutator *m, uint32_t slot, object *o) {
    if (slot >= m->length) {
        if (!o) return;
        uint32_t length = slot + 1 + slot / 2;
        object **registers = GC_MALLOC(length * sizeof *registers);
        if (m->length) memcpy(registers, m->registers, m->length * sizeof *registers);
        m->registers = registers;
        m->length = length;
    }
    m->registers[slot] = o;
}

/* As near to the end of an object as libgc says: its memory is free after the next collection. */
static void on_death(void *o, void *heap_) {
    heap *h = heap_;
    atomic_fetch_sub(&h->live, 1);
    h->host->died(((object *)o)->tag);
}

/* Takes room for one object, if there is any. */
static int reserve(heap *h) {
    uint64_t live = atomic_load(&h->live);
    while (live < h->capacity)
        if (atomic_compare_exchange_weak(&h->live, &live, live + 1)) return 1;
    return 0;
}

static int op_alloc(void *mutator_, uint32_t dst, uint32_t shape, uint64_t tag, int32_t finalizer) {
    (void)finalizer; /* none is announced */
    mutator *m = mutator_;
    heap *h = m->heap;
    if (GC_should_invoke_finalizers()) GC_invoke_finalizers();
    /* A few times, since another thread may be in the middle of the finalizers. */
    for (int tries = 0; !reserve(h); tries++) {
        if (tries == 3) return 0;
        collect_all(h);
    }
    object *o = GC_MALLOC(sizeof *o);
    if (!o) {
        atomic_fetch_sub(&h->live, 1);
        return 0;
    }
    o->tag = tag;
    o->shape = (uint8_t)shape;
    if (shape == GCSTORM_LIST) pthread_mutex_init(&o->lock, NULL);
    GC_REGISTER_FINALIZER_NO_ORDER(o, on_death, h, NULL, NULL);
    fill(m, dst, o);
    return 1;
}

static void op_copy(void *m, uint32_t dst, uint32_t src) {
    if (at(m, src)) fill(m, dst, at(m, src));
}

static void op_clear(void *m, uint32_t slot) { fill(m, slot, NULL); }

static void op_load(void *m, uint32_t dst, uint32_t obj, uint32_t field) {
    object *node = shaped(m, obj, GCSTORM_NODE);
    if (node) fill(m, dst, atomic_load(&node->fields[field]));
}

static void op_store(void *m, uint32_t obj, uint32_t field, uint32_t val) {
    object *node = shaped(m, obj, GCSTORM_NODE);
    object *o = val == GCSTORM_NOTHING ? NULL : at(m, val);
    if (!node || (val != GCSTORM_NOTHING && !o)) return;
    atomic_store(&node->fields[field], o);
    if (o) fill(m, val, NULL);
}

static int op_peek(void *m, uint32_t slot, uint64_t *tag) {
    object *o = at(m, slot);
    if (o) *tag = o->tag;
    return o ? GCSTORM_OBJECT : GCSTORM_EMPTY;
}

static void op_collect(void *m) { collect_all(((mutator *)m)->heap); }

static int op_append(void *m, uint32_t list, uint32_t val) {
    object *l = shaped(m, list, GCSTORM_LIST), *o = at(m, val);
    if (!l || !o) return 0;
    pthread_mutex_lock(&l->lock);
    if (l->length == l->room) {
        size_t room = l->room ? 2 * l->room : 4;
        object **elements = GC_MALLOC(room * sizeof *elements);
        if (l->length) memcpy(elements, l->elements, l->length * sizeof *elements);
        l->elements = elements;
        l->room = room;
    }
    l->elements[l->length++] = o;
    pthread_mutex_unlock(&l->lock);
    fill(m, val, NULL);
    return 1;
}

static uint64_t op_len(void *m, uint32_t list) {
    object *l = shaped(m, list, GCSTORM_LIST);
    if (!l) return 0;
    pthread_mutex_lock(&l->lock);
    uint64_t length = l->length;
    pthread_mutex_unlock(&l->lock);
    return length;
}

/* Copies the element at `index` into `dst`, then puts `replacement` there, if there is one. */
static int visit(mutator *m, object *l, uint64_t index, const uint32_t *dst, object *replacement) {
    if (!l) return 0;
    pthread_mutex_lock(&l->lock);
    int found = index < l->length;
    if (found && dst) fill(m, *dst, l->elements[index]);
    if (found && replacement) l->elements[index] = replacement;
    pthread_mutex_unlock(&l->lock);
    return found;
}

static int op_get(void *m, uint32_t dst, uint32_t list, uint64_t index) {
    return visit(m, shaped(m, list, GCSTORM_LIST), index, &dst, NULL);
}

static int op_set(void *m, uint32_t list, uint64_t index, uint32_t val) {
    object *o = at(m, val);
    int found = o && visit(m, shaped(m, list, GCSTORM_LIST), index, NULL, o);
    if (found) fill(m, val, NULL);
    return found;
}

/* Removes `count` elements from `first` on, the last of which goes into `dst`, if there is one. */
static void cut(mutator *m, object *l, size_t first, size_t count, const uint32_t *dst) {
    if (dst) fill(m, *dst, l->elements[first + count - 1]);
    memmove(l->elements + first, l->elements + first + count,
            (l->length - first - count) * sizeof *l->elements);
    l->length -= count;
    memset(l->elements + l->length, 0, count * sizeof *l->elements);
}

static int op_pop(void *m, uint32_t dst, uint32_t list) {
    object *l = shaped(m, list, GCSTORM_LIST);
    if (!l) return 0;
    pthread_mutex_lock(&l->lock);
    int found = l->length > 0;
    if (found) cut(m, l, l->length - 1, 1, &dst);
    pthread_mutex_unlock(&l->lock);
    return found;
}

static void op_truncate_front(void *m, uint32_t list, uint64_t count) {
    object *l = shaped(m, list, GCSTORM_LIST);
    if (!l) return;
    pthread_mutex_lock(&l->lock);
    if (l->length) cut(m, l, 0, count < l->length ? count : l->length, NULL);
    pthread_mutex_unlock(&l->lock);
}

static void op_truncate_back(void *m, uint32_t list, uint64_t count) {
    object *l = shaped(m, list, GCSTORM_LIST);
    if (!l) return;
    pthread_mutex_lock(&l->lock);
    size_t some = count < l->length ? count : l->length;
    if (some) cut(m, l, l->length - some, some, NULL);
    pthread_mutex_unlock(&l->lock);
}

static void op_add(void *m, uint32_t counter, int64_t by) {
    object *c = shaped(m, counter, GCSTORM_COUNTER);
    if (c) atomic_fetch_add(&c->number, by);
}

static int64_t op_read(void *m, uint32_t counter) {
    object *c = shaped(m, counter, GCSTORM_COUNTER);
    return c ? atomic_load(&c->number) : 0;
}

static void op_write(void *m, uint32_t counter, int64_t value) {
    object *c = shaped(m, counter, GCSTORM_COUNTER);
    if (c) atomic_store(&c->number, value);
}

static void op_publish(void *m, uint32_t global, uint32_t src) {
    atomic_store(&((mutator *)m)->heap->globals[global], at(m, src));
    fill(m, src, NULL);
}

static int op_fetch(void *m, uint32_t dst, uint32_t global) {
    object *o = atomic_load(&((mutator *)m)->heap->globals[global]);
    if (o) fill(m, dst, o);
    return o != NULL;
}

const gcstorm_table *gcstorm_heap(void) {
    static const gcstorm_table table = {
        .version = GCSTORM_VERSION,
        .size = sizeof table,
        .abilities = GCSTORM_THREADS | GCSTORM_CYCLES | GCSTORM_LISTS | GCSTORM_COUNTERS |
                     GCSTORM_GLOBALS | GCSTORM_ONE_PER_PROCESS,
        .open = heap_open, .close = heap_close, .attach = heap_attach, .detach = heap_detach,
        .settle = heap_settle, .stats = heap_stats, .alloc = op_alloc, .copy = op_copy,
        .clear = op_clear, .load = op_load, .store = op_store, .peek = op_peek,
        .collect = op_collect, .append = op_append, .len = op_len, .get = op_get, .set = op_set,
        .pop = op_pop, .truncate_front = op_truncate_front, .truncate_back = op_truncate_back,
        .add = op_add, .read = op_read, .write = op_write, .publish = op_publish,
        .fetch = op_fetch,
    };
    return &table;
}
