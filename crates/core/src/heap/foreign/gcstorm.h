/*
 * gcstorm.h: the C interface of heaps, for collectors written in any language.
 *
 * A shared library that exports `gcstorm_heap` is a heap of gcstorm:
 *
 *     cc -O2 -shared -fPIC -o libmine.so mine.c
 *     gcstorm run --heap ./libmine.so
 *     gcstorm run --heap ./libmine.so:CONFIG      CONFIG is any text; `open` gets it
 *
 * The library keeps objects and reclaims them. gcstorm decides what happens to them, counts births and
 * deaths by itself, and judges the library from that. Every object carries a tag: 64 bits that the library
 * keeps with the object and hands back to `died` when it frees the object, exactly once.
 *
 * References live in objects, in the shared roots, and in the registers of mutators. A mutator is one
 * thread's view: it has `slots` registers, numbered from 0 and empty at first. A register holds one
 * counted reference, or a weak one.
 *
 * An operation on an empty register, on an object of the wrong shape, or with an index out of range does
 * nothing and returns 0, and so does `upgrade` of a counted reference. "Moves" means that the register is
 * empty afterwards; one that could not be moved from keeps its reference, and so does the register that an
 * operation would have filled: whatever returns 0 leaves `dst` as it is. A weak reference
 * counts as nothing: every operation but `copy`, `clear` and `upgrade` treats its register as empty, and
 * leaves it there. Objects and shared roots hold counted references only. The same slot may be given twice.
 *
 * Several mutators may be attached on one thread; all but one of them then rest. So the library must go by
 * the mutator that it is given, and not by the thread. A mutator that was just attached does not rest.
 *
 * In the process of a run, standard input belongs to gcstorm: do not read it.
 *
 * A function pointer may be NULL if it is marked as optional, or if it belongs to a capability that the
 * library does not announce. No function may throw, unwind or longjmp out of the library.
 */
#ifndef GCSTORM_H
#define GCSTORM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this interface. Structures only ever grow at their ends, and say how large they are. */
#define GCSTORM_VERSION 1u

/* What an object can hold. */
enum {
    GCSTORM_LEAF = 0,    /* no references */
    GCSTORM_NODE = 1,    /* two references, in fields 0 and 1 */
    GCSTORM_LIST = 2,    /* any number of references, in order */
    GCSTORM_COUNTER = 3, /* one signed number, 0 at first */
};

/* What a library can do; `gcstorm_table.abilities` is the sum. Checks of anything else are skipped. */
enum {
    GCSTORM_THREADS = 1 << 0,         /* several mutators may be attached at once */
    GCSTORM_CYCLES = 1 << 1,          /* unreachable cycles are reclaimed */
    GCSTORM_LISTS = 1 << 2,           /* append, len, get, set, pop, truncate_front, truncate_back */
    GCSTORM_COUNTERS = 1 << 3,        /* add, read, write */
    GCSTORM_GLOBALS = 1 << 4,         /* publish, fetch */
    GCSTORM_WEAK = 1 << 5,            /* downgrade, upgrade */
    GCSTORM_FINALIZERS = 1 << 6,      /* finalizers run once, and may resurrect */
    GCSTORM_CERTIFIES_DEATH = 1 << 7, /* after `settle`, every unreachable object has died */
    /* What follows is not an ability, but how the library is. */
    /* All calls for a heap must come from one thread, which gcstorm then starts, from `open` to `close`.
       With GCSTORM_THREADS, several mutators take turns on it. Another heap has another thread. The
       library itself is loaded on a thread of gcstorm's. */
    GCSTORM_ONE_THREAD = 1 << 16,
    /* The collector belongs to the process, so there is never more than one heap at a time. */
    GCSTORM_ONE_PER_PROCESS = 1 << 17,
    /* Weak references last as long as their target, whether its finalizer has run or not. */
    GCSTORM_WEAK_SURVIVES = 1 << 18,
};

/* The register that is not there: `store` with it empties the field. */
#define GCSTORM_NOTHING UINT32_MAX

/* What a finalizer does; a number from 0 on is the shared root into which it resurrects its object. */
enum {
    GCSTORM_NO_FINALIZER = -2,
    GCSTORM_WITNESS = -1, /* it is only seen to run */
};

/* What `peek` answers. */
enum {
    GCSTORM_EMPTY = 0,  /* the register is empty, or its reference is weak */
    GCSTORM_OBJECT = 1, /* a living object, as far as the library can tell */
    GCSTORM_STALE = 2,  /* the library sees that the object was freed */
};

/* Why a mutator is held up. */
enum {
    GCSTORM_LOCK_WAIT = 0,       /* it waits for the global lock */
    GCSTORM_COLLECT = 1,         /* it collects, or waits for a collection */
    GCSTORM_RELEASE_CASCADE = 2, /* it frees many objects at once */
    GCSTORM_EPOCH = 3,           /* it waits until no thread can still read what was unlinked */
    GCSTORM_ALLOCATE_SLOW = 4,   /* it looks for memory */
    GCSTORM_FINALIZER = 5,       /* it runs finalizers */
};

/* What gcstorm does for a library. It stays valid until the process ends. `size` tells a library that was
   compiled with a newer gcstorm.h how much of it is there; so do those of the other structures. */
typedef struct gcstorm_host {
    size_t size; /* of this structure, in bytes */
    /* None of these functions calls the library, so they may be called under its locks. */
    /* The object with this tag was freed. From any thread, and also after `close`. */
    void (*died)(uint64_t tag);
    /* The object with this tag and finalizer is garbage, and its finalizer runs: call it once in the
       object's life, before its death, and before the death of anything that was found dead with it. If
       the answer is a number from 0 on, publish the object in that shared root; then it is not garbage, nor
       is what it refers to. Weak references to it must be void before, unless GCSTORM_WEAK_SURVIVES. From
       any thread. */
    int32_t (*finalize)(uint64_t tag, int32_t finalizer);
    /* The calling thread's mutator is held up, until that thread calls `release` with the answer. They nest:
       the last hold is released first. Call it on slow paths only: it reads the clock. `pauses` is from the
       configuration. */
    uint32_t (*hold)(const void *pauses, uint32_t cause);
    void (*release)(const void *pauses, uint32_t held);
} gcstorm_host;

/* What a heap is opened with. It is valid during `open` only; what it points to, until `close`. */
typedef struct gcstorm_config {
    size_t size;       /* of this structure, in bytes */
    uint32_t capacity; /* how many objects may be alive at once, at most */
    uint32_t globals;  /* how many shared roots there are: 0 to globals - 1, empty at first */
    uint32_t nursery;  /* how many young objects a generational collector lets there be */
    uint64_t switch_interval_ns; /* how long a waiter leaves a global lock's holder alone */
    /* Not 0 if the heap must work within the calls that are made to it and at no other time, so that the
       same calls in the same order always do the same. */
    uint32_t within_calls;
    const gcstorm_host *host;
    const void *pauses; /* for `hold` and `release` */
    const char *text;   /* what stood after the colon; "" if nothing did */
} gcstorm_config;

/* What a heap counts of its own work. Nothing here is used to judge it. */
typedef struct gcstorm_stats {
    size_t size; /* of this structure, in bytes */
    uint64_t collections;      /* collections of any kind */
    uint64_t full_collections; /* full ones among them */
    uint64_t cycles_freed;     /* objects that only the cycle collector could free */
    uint64_t unreclaimed_peak; /* the most objects that were unreachable and not yet reclaimed */
    uint64_t contended;        /* operations that had to wait for another thread, or to try again */
    uint64_t unreclaimed;      /* objects dead now whose memory cannot be used again yet */
} gcstorm_stats;

/* A figure that the heap does not know; all of them are that before `stats` is called. */
#define GCSTORM_UNKNOWN UINT64_MAX

/* To be called once for each living object, while `census` lasts and on its thread: the object's tag, and the
   reference count that the heap has stored. */
typedef void (*gcstorm_visit)(void *context, uint64_t tag, uint64_t count);

/* A heap's functions. Where a function returns `const char *`, NULL means that all is well, and anything
   else says in one line what is wrong; the text must stay valid until this thread's next call, so it is
   a constant, or memory of the thread's own. */
typedef struct gcstorm_table {
    uint32_t version;   /* GCSTORM_VERSION */
    size_t size;        /* sizeof(gcstorm_table) */
    uint64_t abilities; /* GCSTORM_THREADS and its kin */

    /* Opens a heap. A process opens several, also at the same time unless GCSTORM_ONE_PER_PROCESS. */
    const char *(*open)(const gcstorm_config *config, void **heap);
    /* All mutators are detached by then. What is still alive may die or stay. */
    void (*close)(void *heap);
    /* Admits the calling thread as a mutator. `number` is unique among those attached at the same time.
       `slots` is larger than `capacity`, up to about a million, and most registers are never touched:
       allocate them zeroed (calloc), and do not scan all of them at each collection. */
    const char *(*attach)(void *heap, uint32_t number, uint32_t slots, void **mutator);
    /* Clears the registers. On the thread that attached it. */
    void (*detach)(void *mutator);
    /* Reclaims everything that can be reclaimed, and runs the finalizers that this takes. Called before
       each survey of the heap, and at the end. No mutator runs meanwhile, though some may be attached, and
       rest. From any thread. */
    const char *(*settle)(void *heap);
    /* Optional. Called at any time, some times a second, so it must not wait for a collection. From any
       thread. */
    void (*stats)(void *heap, gcstorm_stats *stats);
    /* Optional. Shows every living object while no mutator runs. */
    void (*census)(void *heap, gcstorm_visit visit, void *context);

    /* A new object of `shape`, with `tag`, into `dst`: 1. If there is no room: 0, `dst` stays as it is,
       and the tag is gcstorm's again (do not call `died`). `finalizer` is GCSTORM_NO_FINALIZER unless GCSTORM_FINALIZERS is
       announced. */
    int (*alloc)(void *mutator, uint32_t dst, uint32_t shape, uint64_t tag, int32_t finalizer);
    /* `dst` refers to what `src` refers to, as well; an empty `src` leaves it as it is. The copy of a weak
       reference is weak. */
    void (*copy)(void *mutator, uint32_t dst, uint32_t src);
    void (*clear)(void *mutator, uint32_t slot);
    /* `dst` refers to what `field` of the node in `obj` refers to; an empty field empties `dst`. */
    void (*load)(void *mutator, uint32_t dst, uint32_t obj, uint32_t field);
    /* Moves `val` into `field` of the node in `obj`; GCSTORM_NOTHING empties the field. */
    void (*store)(void *mutator, uint32_t obj, uint32_t field, uint32_t val);
    /* Reads the tag of what `slot` refers to. */
    int (*peek)(void *mutator, uint32_t slot, uint64_t *tag);
    /* Optional. A point where the mutator may be held up, and where a broken heap says so. */
    const char *(*safepoint)(void *mutator);
    /* Optional. `rest` lets go of all that holds other mutators up (a lock, an epoch's pin), and hands over
       what is kept for the thread; `wake` ends that. Nothing else is called meanwhile. */
    void (*rest)(void *mutator);
    void (*wake)(void *mutator);
    /* Optional. A full collection as part of the program. */
    void (*collect)(void *mutator);

    /* GCSTORM_LISTS. `append` moves `val` to the end: 1 if it did. */
    int (*append)(void *mutator, uint32_t list, uint32_t val);
    uint64_t (*len)(void *mutator, uint32_t list);
    /* `dst` refers to what the element refers to: 1, or 0 if there is no such element. */
    int (*get)(void *mutator, uint32_t dst, uint32_t list, uint64_t index);
    /* Moves `val` to `index`, and releases what was there: 1, or 0 if there is no such element. */
    int (*set)(void *mutator, uint32_t list, uint64_t index, uint32_t val);
    /* Moves the last element into `dst`: 1, or 0 if there is none. */
    int (*pop)(void *mutator, uint32_t dst, uint32_t list);
    /* Remove `count` elements, or all if there are fewer, from the front or the back. */
    void (*truncate_front)(void *mutator, uint32_t list, uint64_t count);
    void (*truncate_back)(void *mutator, uint32_t list, uint64_t count);

    /* GCSTORM_COUNTERS. `add` is one step that no other thread can come between, and wraps around. */
    void (*add)(void *mutator, uint32_t counter, int64_t by);
    int64_t (*read)(void *mutator, uint32_t counter);
    void (*write)(void *mutator, uint32_t counter, int64_t value);

    /* GCSTORM_GLOBALS. `publish` moves `src` into a shared root and releases what was there; an empty
       `src` empties the root, a weak one changes nothing. `fetch`: `dst` refers to what the root refers
       to: 1, or 0 if the root is empty. */
    void (*publish)(void *mutator, uint32_t global, uint32_t src);
    int (*fetch)(void *mutator, uint32_t dst, uint32_t global);

    /* GCSTORM_WEAK. `dst` becomes a weak reference to what `src` refers to. */
    void (*downgrade)(void *mutator, uint32_t dst, uint32_t src);
    /* `dst` refers to the target of the weak reference: 1. Or 0 if that is dead, or is garbage whose
       finalizers are just running, or if its finalizer has run since the downgrade (unless
       GCSTORM_WEAK_SURVIVES). Never 0 for another reason while somebody holds the target. */
    int (*upgrade)(void *mutator, uint32_t dst, uint32_t weak);
} gcstorm_table;

/* What the library exports. The table stays valid until the process ends. */
const gcstorm_table *gcstorm_heap(void);

#ifdef __cplusplus
}
#endif

#endif
