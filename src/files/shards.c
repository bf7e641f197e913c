/* A path stands for one file, for an index that maps the names of tensors to shards, or
   for a folder with one of the two. An index is not trusted, either: a shard must have
   a plain name in the folder of the index. */
#include "files/shards.h"

#include "base/memory.h"
#include "files/file.h"
#include "files/json.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(
    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
    "the numbers of safetensors files are little-endian and read as they lie");

enum { LENGTH = 8 }; /* bytes of the header's length, before the header */

static hesse_status out_of_memory(const char *path, hesse_why *why)
{
    return hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory", path);
}

static hesse_status parse_header(FILE *file, size_t size, hesse_shard *shard,
                                 hesse_why *why)
{
    uint64_t length;
    if (size < LENGTH)
        return hesse_fail(
            why, HESSE_E_INPUT,
            "%s: %zu bytes are no safetensors file, which has at least %d", shard->path,
            size, LENGTH);
    hesse_status s = hesse_file_read(file, shard->path, 0, LENGTH, &length, why);
    if (s) return s;
    if (length > size - LENGTH)
        return hesse_fail(
            why, HESSE_E_INPUT,
            "%s: no safetensors file, or cut short: its header would have "
            "%llu bytes, the file has %zu",
            shard->path, (unsigned long long)length, size);
    shard->data = LENGTH + (size_t)length;
    shard->size = size - shard->data;
    char *text = hesse_calloc((size_t)length, 1);
    if (!text) return out_of_memory(shard->path, why);
    s = hesse_file_read(file, shard->path, LENGTH, (size_t)length, text, why);
    if (!s)
        s = hesse_json_parse(shard->path, text, (size_t)length, &shard->header, why);
    free(text);
    return s;
}

/* The shard is added to `shards` even if it cannot be read. */
static hesse_status add(hesse_shards *shards, const char *path, hesse_why *why)
{
    hesse_shard *shard = &shards->list[shards->count++];
    shard->path = hesse_copy(path);
    if (!shard->path) return out_of_memory(path, why);
    const char *slash = strrchr(shard->path, '/');
    shard->name = slash ? slash + 1 : shard->path;

    FILE *file;
    size_t size;
    hesse_status s = hesse_file_open(path, &file, &size, why);
    if (s) return s;
    s = parse_header(file, size, shard, why);
    fclose(file);
    return s;
}

static hesse_status open_one(const char *path, hesse_shards *shards, hesse_why *why)
{
    shards->list = hesse_calloc(1, sizeof *shards->list);
    return shards->list ? add(shards, path, why) : out_of_memory(path, why);
}

static bool is_plain_name(const char *name)
{
    for (const char *c = name; *c; c++)
        if (*c == '/' || *c == '\\' || iscntrl((unsigned char)*c)) return false;
    return *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* List the names of the shards in order, each once. */
static hesse_status list_names(const char *path, json_t *map, const char **names,
                               size_t *count, hesse_why *why)
{
    const char *key;
    json_t *value;
    size_t n = 0;
    json_object_foreach(map, key, value)
    {
        const char *name = json_string_value(value);
        char shown[HESSE_JSON_SHOWN];
        if (!name || !is_plain_name(name)) {
            hesse_json_show(value, shown);
            return hesse_fail(
                why, HESSE_E_INPUT,
                "%s: weight_map names the shard %s, expected a plain file "
                "name in the same folder",
                path, shown);
        }
        names[n++] = name;
    }
    qsort(names, n, sizeof *names, by_text);
    *count = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || strcmp(names[i], names[i - 1]) != 0) names[(*count)++] = names[i];
    return HESSE_OK;
}

static hesse_status add_named(const char *path, size_t count, const char *const *names,
                              hesse_shards *shards, hesse_why *why)
{
    char *folder = hesse_copy(path);
    if (!folder) return out_of_memory(path, why);
    char *slash = strrchr(folder, '/');
    if (slash) slash[1] = '\0';
    hesse_status s = HESSE_OK;
    for (size_t i = 0; !s && i < count; i++) {
        char *shard = hesse_file_join(slash ? folder : ".", names[i]);
        s = shard ? add(shards, shard, why) : out_of_memory(path, why);
        free(shard);
    }
    free(folder);
    return s;
}

static hesse_status open_index(const char *path, hesse_shards *shards, hesse_why *why)
{
    json_t *index = NULL;
    hesse_status s = hesse_json_load(path, &index, why);
    if (s) return s;
    shards->map = json_incref(json_object_get(index, "weight_map"));
    json_decref(index);
    if (!json_is_object(shards->map) || json_object_size(shards->map) == 0)
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: expected an object \"weight_map\" with names of tensors",
                          path);

    size_t count = json_object_size(shards->map);
    const char **names = hesse_calloc(count, sizeof *names);
    shards->list = hesse_calloc(count, sizeof *shards->list);
    if (!names || !shards->list) s = out_of_memory(path, why);
    if (!s) s = list_names(path, shards->map, names, &count, why);
    if (!s) s = add_named(path, count, names, shards, why);
    free(names);
    return s;
}

static hesse_status open_folder(const char *path, hesse_shards *shards, hesse_why *why)
{
    char *one = hesse_file_join(path, "model.safetensors");
    char *index = hesse_file_join(path, "model.safetensors.index.json");
    hesse_status s;
    if (!one || !index)
        s = out_of_memory(path, why);
    else if (hesse_file_exists(one))
        s = open_one(one, shards, why);
    else if (hesse_file_exists(index))
        s = open_index(index, shards, why);
    else
        s = hesse_fail(why, HESSE_E_INPUT,
                       "%s: expected model.safetensors or model.safetensors.index.json "
                       "in this folder, found neither",
                       path);
    free(one);
    free(index);
    return s;
}

hesse_status hesse_shards_open(const char *path, hesse_shards *shards, hesse_why *why)
{
    *shards = (hesse_shards){0};
    if (hesse_file_is_folder(path)) return open_folder(path, shards, why);
    if (hesse_file_ends_with(path, ".json")) return open_index(path, shards, why);
    return open_one(path, shards, why);
}

void hesse_shards_free(hesse_shards *shards)
{
    for (size_t i = 0; i < shards->count; i++) {
        free(shards->list[i].path);
        json_decref(shards->list[i].header);
    }
    free(shards->list);
    json_decref(shards->map);
}
