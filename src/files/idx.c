#include "files/idx.h"

#include <assert.h>

enum { UNSIGNED_BYTES = 8, MOST_BYTES = 1 << 30 };

static size_t number(const unsigned char *at)
{
    return (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
}

hesse_status hesse_idx_header(const char *path, const unsigned char *bytes, size_t size,
                              int rank, hesse_idx *idx, hesse_why *why)
{
    const size_t header = 4 + 4 * (size_t)rank;
    assert(rank <= HESSE_IDX_RANK);
    *idx = (hesse_idx){.rank = rank, .count = 1, .data = header};
    if (size < header || bytes[0] || bytes[1] || bytes[2] != UNSIGNED_BYTES ||
        bytes[3] != rank)
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: is no IDX file of bytes with %d dimensions", path, rank);
    for (int i = 0; i < rank; i++) {
        idx->shape[i] = number(bytes + 4 + 4 * i);
        if (idx->shape[i] < 1 || idx->shape[i] > 1 << 24 ||
            idx->count > MOST_BYTES / idx->shape[i])
            return hesse_fail(why, HESSE_E_INPUT,
                              "%s: dimension %d is %zu, expected one that fits 1 GiB",
                              path, i, idx->shape[i]);
        idx->count *= idx->shape[i];
    }
    if (size == header + idx->count) return HESSE_OK;
    return hesse_fail(why, HESSE_E_INPUT,
                      "%s: holds %zu bytes after its header, expected %zu", path,
                      size - header, idx->count);
}
