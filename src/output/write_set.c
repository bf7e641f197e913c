#include "output/write_set.h"

void hesse_write_doubles(hesse_store *store, const char *where, const char *name,
                         const char *end, bool scaled, int rank, const size_t *shape,
                         const double *values)
{
    char path[HESSE_PATH];
    hesse_store_path(store, path, "%s%s%s", where, name, end);
    if (store->status) return;
    const hesse_set set = hesse_schema_set(path, scaled);
    hesse_store_doubles(store, &set, rank, shape, values);
}

void hesse_write_texts(hesse_store *store, const char *path, int rank,
                       const size_t *shape, const char *const *values)
{
    const hesse_set set = hesse_schema_set(path, false);
    hesse_store_texts(store, &set, rank, shape, values);
}

void hesse_write_wholes(hesse_store *store, const char *path, int rank,
                        const size_t *shape, const int64_t *values)
{
    const hesse_set set = hesse_schema_set(path, false);
    hesse_store_wholes(store, &set, rank, shape, values);
}
