/* The header is a list of claims: name, type, shape, first and last byte. Each claim is
   checked against the others and the file's size before a byte of data is read, so that
   reading can trust them. The tensors of a shard, sorted by offset, must fill its data
   without a gap: this one rule excludes overlaps, holes and extra bytes at the end. */
#include "files/safetensors.h"

#include "base/memory.h"
#include "files/file.h"
#include "files/json.h"
#include "files/shards.h"

#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hesse_safetensors {
    hesse_shards shards;
    size_t count;
    hesse_tensor *list; /* in order of name */
};

static double from_f64(const unsigned char *bytes)
{
    double x;
    memcpy(&x, bytes, sizeof x);
    return x;
}

static double from_f32(const unsigned char *bytes)
{
    float x;
    memcpy(&x, bytes, sizeof x);
    return x;
}

/* A BF16 is the upper half of an F32. */
static double from_bf16(const unsigned char *bytes)
{
    const unsigned char wide[4] = {0, 0, bytes[0], bytes[1]};
    return from_f32(wide);
}

/* An F16 is IEEE 754 binary16: a sign, 5 bits of exponent, 10 bits of fraction. */
static double from_f16(const unsigned char *bytes)
{
    const int bits = bytes[0] | bytes[1] << 8;
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double x = ldexp(fraction + 1024, exponent - 25);
    if (exponent == 0) x = ldexp(fraction, -24);
    if (exponent == 31) x = fraction ? NAN : INFINITY;
    return bits >> 15 ? -x : x;
}

typedef struct dtype {
    const char *name;
    size_t bits;
    double (*decode)(const unsigned char *); /* NULL: listed, but not read */
} dtype;

static const dtype dtypes[] = {
    {"F64", 64, from_f64},   {"F32", 32, from_f32}, {"F16", 16, from_f16},
    {"BF16", 16, from_bf16}, {"BOOL", 8, NULL},     {"U8", 8, NULL},
    {"I8", 8, NULL},         {"U16", 16, NULL},     {"I16", 16, NULL},
    {"U32", 32, NULL},       {"I32", 32, NULL},     {"U64", 64, NULL},
    {"I64", 64, NULL},       {"C64", 64, NULL},     {"F8_E5M2", 8, NULL},
    {"F8_E4M3", 8, NULL},    {"F8_E8M0", 8, NULL},  {"F6_E2M3", 6, NULL},
    {"F6_E3M2", 6, NULL},    {"F4", 4, NULL},
};

static const dtype *dtype_of(const char *name)
{
    for (size_t i = 0; name && i < sizeof dtypes / sizeof *dtypes; i++)
        if (strcmp(name, dtypes[i].name) == 0) return &dtypes[i];
    return NULL;
}

void hesse_shape_show(int rank, const size_t *shape, char shown[HESSE_SHAPE_SHOWN])
{
    size_t at = 0;
    for (int i = 0; i < rank; i++)
        at += (size_t)snprintf(shown + at, HESSE_SHAPE_SHOWN - at, "%s%zu",
                               i ? ", " : "[", shape[i]);
    snprintf(shown + at, HESSE_SHAPE_SHOWN - at, rank ? "]" : "[]");
}

/* Read a size in the header: an integer that is at least 0. */
static bool take_size(const json_t *value, size_t *size)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
    *size = (size_t)json_integer_value(value);
    return true;
}

static bool multiply(size_t a, size_t b, size_t *product)
{
    *product = a * b;
    return b == 0 || a <= SIZE_MAX / b;
}

static hesse_status refuse(const char *path, const char *name, const char *key,
                           const json_t *found, const char *expected, hesse_why *why)
{
    char shown[HESSE_JSON_SHOWN];
    hesse_json_show(found, shown);
    return hesse_fail(why, HESSE_E_INPUT, "%s: tensor '%.160s': %s is %s, expected %s",
                      path, name, key, shown, expected);
}

static bool take_shape(const json_t *shape, hesse_tensor *t)
{
    const size_t rank = json_array_size(shape);
    if (!json_is_array(shape) || rank > HESSE_TENSOR_RANK) return false;
    t->rank = (int)rank;
    t->count = 1;
    for (size_t i = 0; i < rank; i++)
        if (!take_size(json_array_get(shape, i), &t->shape[i]) ||
            !multiply(t->count, t->shape[i], &t->count))
            return false;
    return true;
}

static size_t bytes_of(const hesse_tensor *t)
{
    return t->count * dtype_of(t->type)->bits / 8;
}

/* The end of the tensor that ends last, by the header. */
static size_t last_end(const hesse_shard *shard)
{
    const char *name;
    json_t *claim;
    size_t last = 0, end;
    json_object_foreach(shard->header, name, claim)
    {
        const json_t *offsets = json_object_get(claim, "data_offsets");
        if (take_size(json_array_get(offsets, 1), &end) && end > last) last = end;
    }
    return last;
}

static hesse_status check_bytes(const hesse_shard *shard, const json_t *offsets,
                                hesse_tensor *t, hesse_why *why)
{
    size_t end, bits;
    if (!json_is_array(offsets) || json_array_size(offsets) != 2 ||
        !take_size(json_array_get(offsets, 0), &t->offset) ||
        !take_size(json_array_get(offsets, 1), &end) || end < t->offset)
        return refuse(shard->path, t->name, "data_offsets", offsets,
                      "first byte and end, of which the end is not smaller", why);
    if (!multiply(t->count, dtype_of(t->type)->bits, &bits) || bits % 8 ||
        bits / 8 != end - t->offset) {
        char shape[HESSE_SHAPE_SHOWN];
        hesse_shape_show(t->rank, t->shape, shape);
        return hesse_fail(
            why, HESSE_E_INPUT,
            "%s: tensor '%.160s': %zu bytes do not hold the shape %s of %s",
            shard->path, t->name, end - t->offset, shape, t->type);
    }
    if (end > shard->size)
        return hesse_fail(
            why, HESSE_E_INPUT,
            "%s: found %zu bytes, expected %zu more: the file was cut short (tensor "
            "'%.160s' ends at byte %zu of the data); fetch or copy it again",
            shard->path, shard->data + shard->size, last_end(shard) - shard->size,
            t->name, end);
    return HESSE_OK;
}

static hesse_status take_tensor(const hesse_shard *shard, const char *name,
                                const json_t *claim, hesse_tensor *t, hesse_why *why)
{
    for (const char *c = name; *c; c++)
        if (iscntrl((unsigned char)*c))
            return hesse_fail(why, HESSE_E_INPUT,
                              "%s: the name of a tensor holds a control character",
                              shard->path);
    const json_t *type = json_object_get(claim, "dtype");
    const json_t *shape = json_object_get(claim, "shape");
    const dtype *known = dtype_of(json_string_value(type));
    *t = (hesse_tensor){.name = name};
    if (!known)
        return refuse(shard->path, name, "dtype", type,
                      "F64, F32, F16, BF16 or another "
                      "type of safetensors",
                      why);
    t->type = known->name;
    if (!take_shape(shape, t))
        return refuse(shard->path, name, "shape", shape,
                      "at most 8 sizes with a product below 2^64", why);
    return check_bytes(shard, json_object_get(claim, "data_offsets"), t, why);
}

static int by_offset(const void *a, const void *b)
{
    const hesse_tensor *x = a, *y = b;
    if (x->offset != y->offset) return x->offset < y->offset ? -1 : 1;
    return (x->count > 0) - (y->count > 0); /* a tensor without bytes comes first */
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const hesse_tensor *)a)->name, ((const hesse_tensor *)b)->name);
}

static hesse_status check_tiling(const hesse_shard *shard, size_t count,
                                 hesse_tensor *list, hesse_why *why)
{
    size_t end = 0;
    qsort(list, count, sizeof *list, by_offset);
    for (const hesse_tensor *t = list; t < list + count; t++) {
        if (t->offset != end)
            return hesse_fail(why, HESSE_E_INPUT,
                              "%s: tensor '%.160s' begins at byte %zu of the data, "
                              "expected %zu: tensors %s",
                              shard->path, t->name, t->offset, end,
                              t->offset < end ? "overlap" : "leave a hole");
        end += bytes_of(t);
    }
    if (end != shard->size)
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: found %zu bytes behind the end of the last tensor, "
                          "expected none: the tensors take %zu bytes, the data has %zu",
                          shard->path, shard->size - end, end, shard->size);
    return HESSE_OK;
}

/* Append the tensors of a shard. */
static hesse_status list_shard(hesse_safetensors *f, size_t shard, hesse_why *why)
{
    const hesse_shard *in = &f->shards.list[shard];
    hesse_tensor *first = f->list + f->count;
    const char *name;
    json_t *claim;
    json_object_foreach(in->header, name, claim)
    {
        if (strcmp(name, "__metadata__") == 0) {
            if (json_is_object(claim)) continue;
            return refuse(in->path, name, "it", claim, "an object", why);
        }
        hesse_status s = take_tensor(in, name, claim, &f->list[f->count], why);
        if (s) return s;
        f->list[f->count++].shard = shard;
    }
    return check_tiling(in, (size_t)(f->list + f->count - first), first, why);
}

/* Check that every tensor lies in the shard that the index names. A tensor that no
   shard has is not missed here: indexes of tied models name the head, which is not
   stored, and the reader of the parameters names every tensor that it needs. */
static hesse_status check_map(const hesse_safetensors *f, hesse_why *why)
{
    const char *name;
    json_t *shard;
    json_object_foreach(f->shards.map, name, shard)
    {
        const hesse_tensor *t = hesse_safetensors_find(f, name);
        const char *where = json_string_value(shard);
        if (t && strcmp(f->shards.list[t->shard].name, where) != 0) {
            char shown[HESSE_JSON_SHOWN];
            json_t *text = json_string(name);
            hesse_json_show(text, shown);
            json_decref(text);
            return hesse_fail(why, HESSE_E_INPUT,
                              "%s: the index says that tensor %s is in '%.200s', where "
                              "it is not",
                              f->shards.list[0].path, shown, where);
        }
    }
    return HESSE_OK;
}

static hesse_status list_tensors(const char *path, hesse_safetensors *f, hesse_why *why)
{
    size_t most = 0;
    for (size_t i = 0; i < f->shards.count; i++)
        most += json_object_size(f->shards.list[i].header);
    f->list = hesse_calloc(most, sizeof *f->list);
    if (!f->list) return hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory", path);
    for (size_t i = 0; i < f->shards.count; i++) {
        hesse_status s = list_shard(f, i, why);
        if (s) return s;
    }
    qsort(f->list, f->count, sizeof *f->list, by_name);
    for (size_t i = 1; i < f->count; i++)
        if (by_name(&f->list[i - 1], &f->list[i]) == 0)
            return hesse_fail(why, HESSE_E_INPUT,
                              "%s: tensor '%.160s' is in two shards", path,
                              f->list[i].name);
    return f->shards.map ? check_map(f, why) : HESSE_OK;
}

hesse_status hesse_safetensors_open(const char *path, hesse_safetensors **file,
                                    hesse_why *why)
{
    hesse_safetensors *f = hesse_calloc(1, sizeof *f);
    *file = NULL;
    if (!f) return hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory", path);
    hesse_status s = hesse_shards_open(path, &f->shards, why);
    if (!s) s = list_tensors(path, f, why);
    if (s)
        hesse_safetensors_close(f);
    else
        *file = f;
    return s;
}

void hesse_safetensors_close(hesse_safetensors *file)
{
    if (!file) return;
    hesse_shards_free(&file->shards);
    free(file->list);
    free(file);
}

size_t hesse_safetensors_count(const hesse_safetensors *file)
{
    return file->count;
}

const hesse_tensor *hesse_safetensors_tensor(const hesse_safetensors *file, size_t i)
{
    return &file->list[i];
}

const hesse_tensor *hesse_safetensors_find(const hesse_safetensors *file,
                                           const char *name)
{
    const hesse_tensor key = {.name = name};
    return bsearch(&key, file->list, file->count, sizeof key, by_name);
}

static hesse_status not_finite(const char *path, const hesse_tensor *t, size_t element,
                               double value, hesse_why *why)
{
    size_t index[HESSE_TENSOR_RANK];
    char shown[HESSE_SHAPE_SHOWN];
    for (int i = t->rank - 1; i >= 0; i--) {
        index[i] = element % t->shape[i];
        element /= t->shape[i];
    }
    hesse_shape_show(t->rank, index, shown);
    return hesse_fail(why, HESSE_E_INPUT,
                      "%s: tensor '%.160s', element %s is %s, expected a finite number",
                      path, t->name, shown, isnan(value) ? "NaN" : "infinite");
}

static hesse_status convert(FILE *in, const hesse_shard *shard, const hesse_tensor *t,
                            bool any, double *values, hesse_why *why)
{
    unsigned char piece[1 << 15];
    const dtype *type = dtype_of(t->type);
    const size_t width = type->bits / 8, most = sizeof piece / width;
    for (size_t first = 0; first < t->count; first += most) {
        const size_t count = t->count - first < most ? t->count - first : most;
        const size_t from = shard->data + t->offset + first * width;
        hesse_status s =
            hesse_file_read(in, shard->path, from, count * width, piece, why);
        if (s) return s;
        for (size_t i = 0; i < count; i++) {
            const double x = values[first + i] = type->decode(piece + i * width);
            if (!any && !isfinite(x))
                return not_finite(shard->path, t, first + i, x, why);
        }
    }
    return HESSE_OK;
}

static hesse_status read_tensor(const hesse_safetensors *file,
                                const hesse_tensor *tensor, bool any, double *values,
                                hesse_why *why)
{
    const hesse_shard *shard = &file->shards.list[tensor->shard];
    if (!dtype_of(tensor->type)->decode)
        return hesse_fail(
            why, HESSE_E_INPUT,
            "%s: tensor '%.160s' holds %s, expected F64, F32, F16 or BF16", shard->path,
            tensor->name, tensor->type);
    FILE *in;
    size_t size;
    hesse_status s = hesse_file_open(shard->path, &in, &size, why);
    if (s) return s;
    s = convert(in, shard, tensor, any, values, why);
    fclose(in);
    return s;
}

hesse_status hesse_safetensors_read(const hesse_safetensors *file,
                                    const hesse_tensor *tensor, double *values,
                                    hesse_why *why)
{
    return read_tensor(file, tensor, false, values, why);
}

hesse_status hesse_safetensors_read_any(const hesse_safetensors *file,
                                        const hesse_tensor *tensor, double *values,
                                        hesse_why *why)
{
    return read_tensor(file, tensor, true, values, why);
}

hesse_status hesse_safetensors_digest(const hesse_safetensors *file,
                                      char digest[HESSE_DIGEST_LENGTH], hesse_why *why)
{
    const hesse_shards *shards = &file->shards;
    if (shards->count == 1) return hesse_digest_file(shards->list[0].path, digest, why);
    char *lines = hesse_calloc(shards->count, HESSE_DIGEST_LENGTH);
    if (!lines) return hesse_fail(why, HESSE_E_NOMEM, "out of memory for a digest");
    hesse_status s = HESSE_OK;
    for (size_t i = 0; !s && i < shards->count; i++) {
        char *line = lines + i * HESSE_DIGEST_LENGTH;
        s = hesse_digest_file(shards->list[i].path, line, why);
        line[HESSE_DIGEST_LENGTH - 1] = '\n';
    }
    if (!s) hesse_digest(lines, shards->count * HESSE_DIGEST_LENGTH, digest);
    free(lines);
    return s;
}
