/*
 * A reference counter that collects cycles by trial deletion (Bacon and Rajan, 2001), under one lock.
 *
 *     gcstorm header > gcstorm.h
 *     cc -O2 -shared -fPIC -I. -o librefcount.so refcount.c
 *     gcstorm run --heap ./librefcount.so
 *
 * `:leaky` after the name leaves the cycles alone, to see that `completeness` says so.
 *
 * Every object has a count: one for each register, field, element and shared root that refers to it. At
 * zero it is freed. An object whose count fell, but not to zero, may be part of a garbage cycle, so it
 * becomes a candidate; so does one that was moved into itself. A collection takes the references between objects off the counts of all that
 * candidates lead to. Whatever then has a count of its own is held from outside, and so is all that it
 * leads to: their counts are put back. The rest is garbage.
 *
 * Nothing recurses: chains of objects may be longer than any stack.
 */
#include "gcstorm.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* How far a collection has come with an object. */
enum color { BLACK, GRAY, WHITE };

typedef struct object {
    uint64_t tag;
    uint64_t count;
    struct object **references; /* the fields of a node, the elements of a list */
    size_t length, room;
    int64_t number; /* of a counter */
    uint8_t shape, color;
    int is_candidate; /* it is in the heap's list of candidates */
    int is_dead;      /* it was freed, but that list still has it */
} object;

/* A list of objects that grows. */
typedef struct {
    object **items;
    size_t length, room;
} stack;

typedef struct {
    pthread_mutex_t lock;
    const gcstorm_host *host;
    const void *pauses;
    object **globals;
    uint32_t capacity, global_count;
    int is_leaky;
    uint64_t live;
    _Atomic uint64_t collections, cycles_freed; /* asked for at any time, so without the lock */
    stack candidates, work, dying;
    size_t threshold; /* as many candidates as start a collection */
} heap;

typedef struct {
    heap *heap;
    object **registers;
    uint32_t slots;
} mutator;

enum { THRESHOLD_MIN = 1000 };

static void push(stack *s, object *o) {
    if (s->length == s->room) {
        s->room = s->room ? 2 * s->room : 64;
        s->items = realloc(s->items, s->room * sizeof *s->items);
        if (!s->items) abort();
    }
    s->items[s->length++] = o;
}

static void reclaim(heap *h, object *o) {
    h->live--;
    h->host->died(o->tag);
    free(o->references);
    o->references = NULL;
    o->length = 0;
    if (o->is_candidate)
        o->is_dead = 1; /* the next collection finds it in its list, and frees it */
    else
        free(o);
}

/* Remembers that an object may be part of a garbage cycle. */
static void suspect(heap *h, object *o) {
    if (o->is_candidate || o->shape == GCSTORM_LEAF || o->shape == GCSTORM_COUNTER) return;
    o->is_candidate = 1;
    push(&h->candidates, o);
}

/* Takes one reference off an object, and frees it and all that only it led to. */
static void release(heap *h, object *o) {
    if (!o) return;
    push(&h->dying, o);
    while (h->dying.length) {
        o = h->dying.items[--h->dying.length];
        if (--o->count == 0) {
            for (size_t i = 0; i < o->length; i++)
                if (o->references[i]) push(&h->dying, o->references[i]);
            reclaim(h, o);
        } else {
            suspect(h, o);
        }
    }
}

/* Takes the references between objects off the counts of all that `root` leads to. */
static void mark_gray(heap *h, object *root) {
    if (root->color == GRAY) return;
    root->color = GRAY;
    push(&h->work, root);
    while (h->work.length) {
        object *o = h->work.items[--h->work.length];
        for (size_t i = 0; i < o->length; i++) {
            object *child = o->references[i];
            if (!child) continue;
            child->count--;
            if (child->color == GRAY) continue;
            child->color = GRAY;
            push(&h->work, child);
        }
    }
}

/* Puts the counts back of all that `root` leads to. */
static void mark_black(heap *h, object *root) {
    size_t floor = h->dying.length; /* a stack of its own, above what the caller has there */
    root->color = BLACK;
    push(&h->dying, root);
    while (h->dying.length > floor) {
        object *o = h->dying.items[--h->dying.length];
        for (size_t i = 0; i < o->length; i++) {
            object *child = o->references[i];
            if (!child) continue;
            child->count++;
            if (child->color == BLACK) continue;
            child->color = BLACK;
            push(&h->dying, child);
        }
    }
}

/* What still has a count is held from outside; the rest is white. */
static void scan(heap *h, object *root) {
    push(&h->work, root);
    while (h->work.length) {
        object *o = h->work.items[--h->work.length];
        if (o->color != GRAY) continue;
        if (o->count > 0) {
            mark_black(h, o);
            continue;
        }
        o->color = WHITE;
        for (size_t i = 0; i < o->length; i++)
            if (o->references[i]) push(&h->work, o->references[i]);
    }
}

/* Moves all that is white and hangs off `root` to the dying. */
static void gather(heap *h, object *root) {
    push(&h->work, root);
    while (h->work.length) {
        object *o = h->work.items[--h->work.length];
        if (o->color != WHITE) continue;
        o->color = BLACK;
        push(&h->dying, o);
        for (size_t i = 0; i < o->length; i++)
            if (o->references[i]) push(&h->work, o->references[i]);
    }
}

static void collect_cycles(heap *h) {
    uint32_t held = h->host->hold(h->pauses, GCSTORM_COLLECT);
    stack candidates = h->candidates;
    h->candidates = (stack){0};
    size_t kept = 0;
    for (size_t i = 0; i < candidates.length; i++) {
        object *o = candidates.items[i];
        o->is_candidate = 0;
        if (o->is_dead)
            free(o);
        else
            candidates.items[kept++] = o;
    }
    if (h->is_leaky) kept = 0;
    for (size_t i = 0; i < kept; i++) mark_gray(h, candidates.items[i]);
    for (size_t i = 0; i < kept; i++) scan(h, candidates.items[i]);
    for (size_t i = 0; i < kept; i++) gather(h, candidates.items[i]);
    /* Their references to each other are off the counts already, and those to others are not: what a
       white object leads to is white, since the rest was put back together with all that it leads to. */
    while (h->dying.length) {
        h->cycles_freed++;
        reclaim(h, h->dying.items[--h->dying.length]);
    }
    free(candidates.items);
    h->collections++;
    h->threshold = h->live / 4 > THRESHOLD_MIN ? h->live / 4 : THRESHOLD_MIN;
    h->host->release(h->pauses, held);
}

/* ---- the heap ---- */

static const char *heap_open(const gcstorm_config *config, void **out) {
    int is_leaky = strcmp(config->text, "leaky") == 0;
    if (!is_leaky && *config->text) return "the text after the colon is \"leaky\" or nothing";
    heap *h = calloc(1, sizeof *h);
    if (!h) return "out of memory";
    pthread_mutex_init(&h->lock, NULL);
    h->host = config->host;
    h->pauses = config->pauses;
    h->capacity = config->capacity;
    h->is_leaky = is_leaky;
    h->threshold = THRESHOLD_MIN;
    h->global_count = config->globals;
    h->globals = calloc(config->globals ? config->globals : 1, sizeof *h->globals);
    if (!h->globals) abort();
    *out = h;
    return NULL;
}

static void heap_close(void *heap_) {
    heap *h = heap_;
    for (uint32_t i = 0; i < h->global_count; i++) release(h, h->globals[i]);
    collect_cycles(h);
    pthread_mutex_destroy(&h->lock);
    free(h->candidates.items);
    free(h->work.items);
    free(h->dying.items);
    free(h->globals);
    free(h);
}

static const char *heap_settle(void *heap_) {
    heap *h = heap_;
    pthread_mutex_lock(&h->lock);
    collect_cycles(h);
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

static void heap_stats(void *heap_, gcstorm_stats *stats) {
    heap *h = heap_;
    stats->collections = stats->full_collections = h->collections;
    stats->cycles_freed = h->cycles_freed;
}

static const char *heap_attach(void *heap_, uint32_t number, uint32_t slots, void **out) {
    (void)number;
    mutator *m = malloc(sizeof *m);
    if (!m) return "out of memory";
    m->heap = heap_;
    m->slots = slots;
    m->registers = calloc(slots ? slots : 1, sizeof *m->registers);
    if (!m->registers) {
        free(m);
        return "no room for the registers";
    }
    *out = m;
    return NULL;
}

static void heap_detach(void *mutator_) {
    mutator *m = mutator_;
    pthread_mutex_lock(&m->heap->lock);
    for (uint32_t i = 0; i < m->slots; i++) release(m->heap, m->registers[i]);
    pthread_mutex_unlock(&m->heap->lock);
    free(m->registers);
    free(m);
}

/* ---- operations ---- */

/* Takes the lock. If that takes time, it is told how long. */
static void enter(heap *h) {
    if (pthread_mutex_trylock(&h->lock) == 0) return;
    uint32_t held = h->host->hold(h->pauses, GCSTORM_LOCK_WAIT);
    pthread_mutex_lock(&h->lock);
    h->host->release(h->pauses, held);
}

/* Every operation begins with `m` and the lock, and ends with LEAVE. */
#define ENTER              \
    mutator *m = mutator_; \
    heap *h = m->heap;     \
    enter(h)
#define LEAVE pthread_mutex_unlock(&h->lock)

/* The object in a register, if it has this shape. */
static object *shaped(mutator *m, uint32_t slot, uint8_t shape) {
    object *o = m->registers[slot];
    return o && o->shape == shape ? o : NULL;
}

/* Fills a place with a reference that is counted already. */
static void fill(heap *h, object **place, object *o) {
    object *replaced = *place;
    *place = o;
    release(h, replaced);
}

static void copy_into(mutator *m, uint32_t dst, object *o) {
    if (o) o->count++;
    fill(m->heap, &m->registers[dst], o);
}

static object *take(mutator *m, uint32_t slot) {
    object *o = m->registers[slot];
    m->registers[slot] = NULL;
    return o;
}

/* Takes what is to be moved into `holder`. Moved into itself it may be a garbage cycle, though no count
   fell. (`gcstorm fuzz` found that when it was missing here, in its third program.) */
static object *take_for(mutator *m, uint32_t slot, object *holder) {
    object *o = take(m, slot);
    if (o == holder) suspect(m->heap, o);
    return o;
}

static int op_alloc(void *mutator_, uint32_t dst, uint32_t shape, uint64_t tag, int32_t finalizer) {
    (void)finalizer; /* none is announced */
    ENTER;
    if (h->candidates.length >= h->threshold || h->live >= h->capacity) collect_cycles(h);
    object *o = h->live < h->capacity ? calloc(1, sizeof *o) : NULL;
    if (o && shape == GCSTORM_NODE) {
        o->references = calloc(2, sizeof *o->references);
        o->length = o->room = 2;
        if (!o->references) abort();
    }
    if (o) {
        o->tag = tag;
        o->shape = (uint8_t)shape;
        o->count = 1;
        h->live++;
        fill(h, &m->registers[dst], o);
    }
    LEAVE;
    return o != NULL;
}

static void op_copy(void *mutator_, uint32_t dst, uint32_t src) {
    ENTER;
    if (m->registers[src]) copy_into(m, dst, m->registers[src]);
    LEAVE;
}

static void op_clear(void *mutator_, uint32_t slot) {
    ENTER;
    fill(h, &m->registers[slot], NULL);
    LEAVE;
}

static void op_load(void *mutator_, uint32_t dst, uint32_t obj, uint32_t field) {
    ENTER;
    object *node = shaped(m, obj, GCSTORM_NODE);
    if (node) copy_into(m, dst, node->references[field]);
    LEAVE;
}

static void op_store(void *mutator_, uint32_t obj, uint32_t field, uint32_t val) {
    ENTER;
    object *node = shaped(m, obj, GCSTORM_NODE);
    if (node && val == GCSTORM_NOTHING)
        fill(h, &node->references[field], NULL);
    else if (node && m->registers[val])
        fill(h, &node->references[field], take_for(m, val, node));
    LEAVE;
}

static int op_peek(void *mutator_, uint32_t slot, uint64_t *tag) {
    ENTER;
    object *o = m->registers[slot];
    if (o) *tag = o->tag;
    LEAVE;
    return o ? GCSTORM_OBJECT : GCSTORM_EMPTY;
}

static void op_collect(void *mutator_) {
    ENTER;
    (void)m;
    collect_cycles(h);
    LEAVE;
}

static int op_append(void *mutator_, uint32_t list, uint32_t val) {
    ENTER;
    object *l = shaped(m, list, GCSTORM_LIST);
    object *o = l ? take_for(m, val, l) : NULL;
    if (o) {
        if (l->length == l->room) {
            l->room = l->room ? 2 * l->room : 4;
            l->references = realloc(l->references, l->room * sizeof *l->references);
            if (!l->references) abort();
        }
        l->references[l->length++] = o;
    }
    LEAVE;
    return o != NULL;
}

static uint64_t op_len(void *mutator_, uint32_t list) {
    ENTER;
    object *l = shaped(m, list, GCSTORM_LIST);
    uint64_t length = l ? l->length : 0;
    LEAVE;
    return length;
}

static int op_get(void *mutator_, uint32_t dst, uint32_t list, uint64_t index) {
    ENTER;
    object *l = shaped(m, list, GCSTORM_LIST);
    int found = l && index < l->length;
    if (found) copy_into(m, dst, l->references[index]);
    LEAVE;
    return found;
}

static int op_set(void *mutator_, uint32_t list, uint64_t index, uint32_t val) {
    ENTER;
    object *l = shaped(m, list, GCSTORM_LIST);
    int found = l && index < l->length && m->registers[val];
    if (found) fill(h, &l->references[index], take_for(m, val, l));
    LEAVE;
    return found;
}

static int op_pop(void *mutator_, uint32_t dst, uint32_t list) {
    ENTER;
    object *l = shaped(m, list, GCSTORM_LIST);
    int found = l && l->length > 0;
    if (found) fill(h, &m->registers[dst], l->references[--l->length]);
    LEAVE;
    return found;
}

/* Removes `count` elements from `first` on. They are released once the list is whole again. */
static void cut(heap *h, object *l, size_t first, size_t count) {
    object **removed = malloc((count ? count : 1) * sizeof *removed);
    if (!removed) abort();
    memcpy(removed, l->references + first, count * sizeof *removed);
    memmove(l->references + first, l->references + first + count,
            (l->length - first - count) * sizeof *removed);
    l->length -= count;
    uint32_t held = count > 1000 ? h->host->hold(h->pauses, GCSTORM_RELEASE_CASCADE) : 0;
    for (size_t i = 0; i < count; i++) release(h, removed[i]);
    if (count > 1000) h->host->release(h->pauses, held);
    free(removed);
}

static void op_truncate_front(void *mutator_, uint32_t list, uint64_t count) {
    ENTER;
    object *l = shaped(m, list, GCSTORM_LIST);
    if (l && l->length) cut(h, l, 0, count < l->length ? count : l->length);
    LEAVE;
}

static void op_truncate_back(void *mutator_, uint32_t list, uint64_t count) {
    ENTER;
    object *l = shaped(m, list, GCSTORM_LIST);
    if (l && l->length) {
        size_t cut_off = count < l->length ? count : l->length;
        cut(h, l, l->length - cut_off, cut_off);
    }
    LEAVE;
}

static void op_add(void *mutator_, uint32_t counter, int64_t by) {
    ENTER;
    object *c = shaped(m, counter, GCSTORM_COUNTER);
    if (c) c->number = (int64_t)((uint64_t)c->number + (uint64_t)by);
    LEAVE;
}

static int64_t op_read(void *mutator_, uint32_t counter) {
    ENTER;
    object *c = shaped(m, counter, GCSTORM_COUNTER);
    int64_t number = c ? c->number : 0;
    LEAVE;
    return number;
}

static void op_write(void *mutator_, uint32_t counter, int64_t value) {
    ENTER;
    object *c = shaped(m, counter, GCSTORM_COUNTER);
    if (c) c->number = value;
    LEAVE;
}

static void op_publish(void *mutator_, uint32_t global, uint32_t src) {
    ENTER;
    fill(h, &h->globals[global], take(m, src));
    LEAVE;
}

static int op_fetch(void *mutator_, uint32_t dst, uint32_t global) {
    ENTER;
    object *o = h->globals[global];
    if (o) copy_into(m, dst, o);
    LEAVE;
    return o != NULL;
}

const gcstorm_table *gcstorm_heap(void) {
    static const gcstorm_table table = {
        .version = GCSTORM_VERSION,
        .size = sizeof table,
        .abilities = GCSTORM_THREADS | GCSTORM_CYCLES | GCSTORM_LISTS | GCSTORM_COUNTERS |
                     GCSTORM_GLOBALS | GCSTORM_CERTIFIES_DEATH,
        .open = heap_open,
        .close = heap_close,
        .attach = heap_attach,
        .detach = heap_detach,
        .settle = heap_settle,
        .stats = heap_stats,
        .alloc = op_alloc,
        .copy = op_copy,
        .clear = op_clear,
        .load = op_load,
        .store = op_store,
        .peek = op_peek,
        .collect = op_collect,
        .append = op_append,
        .len = op_len,
        .get = op_get,
        .set = op_set,
        .pop = op_pop,
        .truncate_front = op_truncate_front,
        .truncate_back = op_truncate_back,
        .add = op_add,
        .read = op_read,
        .write = op_write,
        .publish = op_publish,
        .fetch = op_fetch,
    };
    return &table;
}
