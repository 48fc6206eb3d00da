#include "rules/spread.h"

__extension__ typedef unsigned __int128 wide;

struct remainder {
    uint64_t rest;
    size_t place;
};

/* True when a is served before b. */
static bool goes_first(const struct remainder *a, const struct remainder *b)
{
    return a->rest != b->rest ? a->rest > b->rest : a->place < b->place;
}

/* A heap with whoever is served first on top: hostile orders of many lines cost n log n. */
static void sift_down(struct remainder *heap, size_t count, size_t at)
{
    for (;;) {
        size_t first = at;
        for (size_t child = 2 * at + 1; child < count && child <= 2 * at + 2; child++)
            if (goes_first(&heap[child], &heap[first]))
                first = child;
        if (first == at)
            return;
        struct remainder moved = heap[at];
        heap[at] = heap[first];
        heap[first] = moved;
        at = first;
    }
}

void spread(int64_t amount, const int64_t *weights, size_t count, struct scratch *scratch, int64_t *shares)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (uint64_t)weights[i];
    assert(amount >= 0 && (uint64_t)amount <= sum && sum <= INT64_MAX);
    struct remainder *heap = scratch_raw(scratch, count * sizeof *heap);
    int64_t left = amount;
    for (size_t i = 0; i < count; i++) {
        wide product = (wide)(uint64_t)amount * (uint64_t)weights[i];
        shares[i] = sum > 0 ? (int64_t)(product / sum) : 0;
        heap[i] = (struct remainder){sum > 0 ? (uint64_t)(product % sum) : 0, i};
        left -= shares[i];
    }
    if (left == 0)
        return;
    for (size_t at = count / 2; at-- > 0;)
        sift_down(heap, count, at);
    for (; left > 0; left--) {
        assert(count > 0);
        shares[heap[0].place]++;
        heap[0] = heap[--count];
        sift_down(heap, count, 0);
    }
}
