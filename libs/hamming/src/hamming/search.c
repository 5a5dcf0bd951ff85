/* Exact search of 256-bit codes within a Hamming distance, by many tables.

   A code is four 64-bit words. It is cut into `tables` segments of `bits` bits each. If two codes
   differ in at most r bits and the segments' tolerances t_i satisfy sum (t_i + 1) > r, then some
   segment i differs in at most t_i bits: so every bucket that near is looked into, table by table,
   and every code in it is compared as a whole. Nothing is missed.

   The codes lie sorted by their first segment, so table 0 needs no postings. The others hold
   positions of three bytes. A table's directory is a row of bits, for each bucket a one per code
   and then a zero, with the count of codes before every 128th bucket.

   Source: Norouzi, Punjani and Fleet 2014, Fast exact search in Hamming space with multi-index
   hashing; Qin et al. 2018, GPH: similarity search in Hamming space, for uneven tolerances. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ABI 1
#define MOST_TABLES 16
#define BLOCK 7     /* 2^BLOCK buckets share a count */
#define AHEAD 24    /* accesses that are under way at once */
#define ROOM 2048   /* ranges, and candidates, held at once */

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__gnu_linux__)
#define FAST __attribute__((target_clones("avx2", "popcnt", "default")))
#else
#define FAST
#endif

/* Into every clone, or the instruction that counts ones would be used in none of them. */
#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#else
#define INLINE static inline
#endif

typedef struct {
    const uint64_t *codes; /* (n, 4), sorted by the first segment */
    uint64_t n;
    uint32_t bits, tables;
    const uint32_t *before[MOST_TABLES]; /* codes before each block of buckets */
    const uint64_t *ones[MOST_TABLES];   /* the row of bits, two words longer than it need be */
    const uint8_t *places[MOST_TABLES];  /* positions, three bytes each; none for table 0 */
} Index;

typedef struct {
    uint64_t *at;
    uint32_t *distance;
    uint64_t room, count, tried, most;
} Hits;

int32_t hamming_abi(void) { return ABI; }

INLINE uint32_t segment(const uint64_t *code, uint32_t first, uint32_t bits) {
    uint32_t word = first >> 6, shift = first & 63;
    uint64_t value = code[word] >> shift;
    if (shift && word < 3)
        value |= code[word + 1] << (64 - shift);
    return (uint32_t)(value & ((1ull << bits) - 1));
}

INLINE uint32_t differ(const uint64_t *one, const uint64_t *other) {
    return (uint32_t)(__builtin_popcountll(one[0] ^ other[0]) +
                      __builtin_popcountll(one[1] ^ other[1]) +
                      __builtin_popcountll(one[2] ^ other[2]) +
                      __builtin_popcountll(one[3] ^ other[3]));
}

INLINE void note(Hits *hits, uint64_t at, uint32_t distance) {
    if (hits->count < hits->room) {
        hits->at[hits->count] = at;
        hits->distance[hits->count] = distance;
    }
    hits->count++;
}

/* Compare with every one of n codes; return how many are near, of which `room` are written. */
FAST
uint64_t hamming_scan(const uint64_t *codes, uint64_t n, const uint64_t *query, uint32_t radius,
                      uint64_t *at, uint32_t *distance, uint64_t room) {
    Hits hits = {at, distance, room, 0, 0, 0};
    uint32_t near[256];
    for (uint64_t first = 0; first < n; first += 256) {
        uint64_t many = n - first < 256 ? n - first : 256;
        uint32_t any = 0;
        const uint64_t *code = codes + 4 * first;
        for (uint64_t i = 0; i < many; i++) {
            near[i] = differ(code + 4 * i, query);
            any |= near[i] <= radius;
        }
        for (uint64_t i = 0; any && i < many; i++)
            if (near[i] <= radius)
                note(&hits, first + i, near[i]);
    }
    return hits.count;
}

/* Where the j-th zero (from 0) of a row of bits lies, at or after bit `from`. */
INLINE uint64_t find_zero(const uint64_t *ones, uint64_t from, uint32_t j) {
    uint64_t word = from >> 6;
    uint64_t zeros = ~ones[word] & (~0ull << (from & 63));
    for (;;) {
        uint32_t count = (uint32_t)__builtin_popcountll(zeros);
        if (j < count)
            break;
        j -= count;
        zeros = ~ones[++word];
    }
    uint64_t at = word << 6;
    for (uint32_t half = 32; half > 4; half >>= 1) {
        uint32_t count = (uint32_t)__builtin_popcountll(zeros & ((1ull << half) - 1));
        uint32_t above = -(uint32_t)(j >= count);
        j -= count & above;
        zeros >>= half & above;
        at += half & above;
    }
    while (j--)
        zeros &= zeros - 1;
    return at + (uint64_t)__builtin_ctzll(zeros);
}

/* Where the first zero at or after bit `from` lies: mostly in the same word. */
INLINE uint64_t next_zero(const uint64_t *ones, uint64_t from) {
    uint64_t word = from >> 6;
    uint64_t zeros = ~ones[word] & (~0ull << (from & 63));
    while (!zeros)
        zeros = ~ones[++word];
    return (word << 6) + (uint64_t)__builtin_ctzll(zeros);
}

/* The codes of bucket b of a table: from `*first` to before what is returned. */
INLINE uint64_t bucket(const Index *index, uint32_t table, uint32_t b, uint64_t *first) {
    const uint64_t *ones = index->ones[table];
    uint64_t whole = b & ~((1u << BLOCK) - 1), in_block = b - whole;
    uint64_t start = index->before[table][b >> BLOCK] + whole;
    if (in_block)
        start = find_zero(ones, start, (uint32_t)in_block - 1) + 1;
    *first = start - b;
    return next_zero(ones, start) - b;
}

typedef struct {
    const Index *index;
    const uint64_t *query;
    uint32_t radius, stride;
    uint32_t keys[MOST_TABLES];
    const uint32_t *tolerance;
    Hits *hits;
} Search;

/* Compare a candidate of `table` as a whole, unless an earlier table led to it too. */
INLINE void compare(const Search *search, uint32_t table, uint64_t at) {
    const uint64_t *code = search->index->codes + 4 * at;
    uint32_t distance = differ(code, search->query);
    if (distance > search->radius)
        return;
    for (uint32_t i = 0; i < table; i++) {
        uint32_t key = segment(code, i * search->stride, search->index->bits);
        if ((uint32_t)__builtin_popcount(key ^ search->keys[i]) < search->tolerance[i])
            return;
    }
    note(search->hits, at, distance);
}

INLINE void compare_places(const Search *search, uint32_t table, const uint64_t *ranges,
                                  uint32_t count) {
    const uint8_t *places = search->index->places[table];
    const uint64_t *codes = search->index->codes;
    uint32_t wanted[ROOM], held = 0;
    for (uint32_t i = 0; i < count; i++) {
        for (uint64_t at = ranges[2 * i]; at < ranges[2 * i + 1]; at++) {
            const uint8_t *place = places + 3 * at;
            uint32_t code = place[0] | (uint32_t)place[1] << 8 | (uint32_t)place[2] << 16;
            __builtin_prefetch(codes + 4 * (uint64_t)code);
            wanted[held++ % ROOM] = code;
            if (held >= AHEAD)
                compare(search, table, wanted[(held - AHEAD) % ROOM]);
        }
    }
    for (uint32_t i = held < AHEAD ? 0 : held - AHEAD + 1; i < held; i++)
        compare(search, table, wanted[i % ROOM]);
}

INLINE void compare_ranges(const Search *search, uint32_t table, const uint64_t *ranges,
                                  uint32_t count) {
    if (table) {
        compare_places(search, table, ranges, count);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        for (uint64_t at = ranges[2 * i]; at < ranges[2 * i + 1]; at++)
            compare(search, 0, at);
}

/* Look into all buckets of a table that these masks lead to; 0 if there are too many codes. */
INLINE int look(const Search *search, uint32_t table, const uint32_t *masks,
                       uint64_t count) {
    const Index *index = search->index;
    const uint32_t *before = index->before[table];
    const uint64_t *ones = index->ones[table];
    uint64_t ranges[2 * ROOM];
    uint32_t held = 0, key = search->keys[table];
    for (uint64_t i = 0; i < count + 2 * AHEAD; i++) {
        if (i < count)
            __builtin_prefetch(before + ((key ^ masks[i]) >> BLOCK));
        if (i >= AHEAD && i < count + AHEAD) {
            uint32_t b = key ^ masks[i - AHEAD];
            uint64_t whole = b & ~((1u << BLOCK) - 1);
            const uint64_t *line = ones + ((before[b >> BLOCK] + whole) >> 6);
            __builtin_prefetch(line);
            __builtin_prefetch(line + 4);
        }
        if (i < 2 * AHEAD)
            continue;
        uint64_t first, end = bucket(index, table, key ^ masks[i - 2 * AHEAD], &first);
        if ((search->hits->tried += end - first) > search->hits->most)
            return 0;
        ranges[2 * held] = first;
        ranges[2 * held + 1] = end;
        if (table)
            __builtin_prefetch(index->places[table] + 3 * first);
        else
            __builtin_prefetch(index->codes + 4 * first);
        held += first != end; /* and no branch, which nobody could predict */
        if (held == ROOM) {
            compare_ranges(search, table, ranges, held);
            held = 0;
        }
    }
    compare_ranges(search, table, ranges, held);
    return 1;
}

/* Find all codes within `radius`; return how many, of which `room` are written, or -1 where a
   linear scan is cheaper: more than `most` codes would be compared.

   masks: all values of `bits` bits, fewest ones first; counts[w]: how many have fewer than w ones.
   tolerance: of each table, one more than the bits in which its segment may differ. */
FAST
int64_t hamming_search(const Index *index, const uint64_t *query, uint32_t radius,
                       const uint32_t *masks, const uint64_t *counts, const uint32_t *tolerance,
                       uint64_t most, uint64_t *at, uint32_t *distance, uint64_t room) {
    Hits hits = {at, distance, room, 0, 0, most};
    Search search = {index, query, radius, 256 / index->tables, {0}, tolerance, &hits};
    for (uint32_t i = 0; i < index->tables; i++)
        search.keys[i] = segment(query, i * search.stride, index->bits);
    for (uint32_t i = 0; i < index->tables; i++)
        if (!look(&search, i, masks, counts[tolerance[i]]))
            return -1;
    return (int64_t)hits.count;
}

/* Write the directory of a table and what comes in which order.

   counts: (2^bits + 1,) zeros, room to count in. before: (2^bits >> BLOCK) + 1 of them.
   ones: zeros, n + 2^bits bits and two words. `places` or, for table 0, `sorted` is written. */
int32_t hamming_build(const uint64_t *codes, uint64_t n, uint32_t first, uint32_t bits,
                      uint32_t *counts, uint32_t *before, uint64_t *ones, uint8_t *places,
                      uint64_t *sorted) {
    uint64_t buckets = 1ull << bits, bit = 0;
    if (n >= 1ull << 24 || bits > 28 || first + bits > 256)
        return -1;
    for (uint64_t i = 0; i < n; i++)
        counts[segment(codes + 4 * i, first, bits) + 1]++;
    for (uint64_t b = 0; b < buckets; b++) {
        for (uint32_t one = counts[b + 1]; one; one--, bit++)
            ones[bit >> 6] |= 1ull << (bit & 63);
        bit++;
        counts[b + 1] += counts[b];
        if (!(b & ((1u << BLOCK) - 1)))
            before[b >> BLOCK] = counts[b];
    }
    for (uint64_t i = 0; i < n; i++) {
        uint64_t at = counts[segment(codes + 4 * i, first, bits)]++;
        if (sorted)
            memcpy(sorted + 4 * at, codes + 4 * i, 32);
        else {
            places[3 * at] = (uint8_t)i;
            places[3 * at + 1] = (uint8_t)(i >> 8);
            places[3 * at + 2] = (uint8_t)(i >> 16);
        }
    }
    return 0;
}
