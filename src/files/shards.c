/* A path stands for one file, for an index that maps the names of tensors to shards, or
   for a folder with one of the two. An index is not trusted, either: a shard must have
   a plain name in the folder of the index. */
#include "files/shards.h"

#include "base/memory.h"
#include "files/file.h"
#include "files/json.h"
#include "files/kind.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
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
            "%s: found %zu bytes, expected a safetensors file, which has at least %d",
            shard->path, size, LENGTH);
    hesse_status s = hesse_file_read(file, shard->path, 0, LENGTH, &length, why);
    if (s) return s;
    if (length > size - LENGTH)
        return hesse_fail(
            why, HESSE_E_INPUT,
            hesse_file_kind_of(shard->path) == HESSE_FILE_SAFETENSORS
                ? "%s: found %zu bytes, expected a header of %llu bytes and its "
                  "tensors: "
                  "the file was cut short; fetch or copy it again"
                : "%s: found %zu bytes, expected a safetensors file with a header of "
                  "%llu bytes: it was cut short or has another format",
            shard->path, size, (unsigned long long)length);
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
    return hesse_file_explain(path, HESSE_FILE_SAFETENSORS, s, why);
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

enum { MOST_NAMED = 300 };

/* The names of the files in a folder that a filter takes, for a message. */
static int list_files(const char *path, int (*filter)(const struct dirent *),
                      char names[MOST_NAMED])
{
    struct dirent **entries = NULL;
    const int count = scandir(path, &entries, filter, alphasort);
    size_t at = 0;
    names[0] = '\0';
    for (int i = 0; i < count; i++) {
        const size_t length = strlen(entries[i]->d_name) + 2;
        if (at + length + 5 < MOST_NAMED)
            at += (size_t)snprintf(names + at, MOST_NAMED - at, "%s%s", i ? ", " : "",
                                   entries[i]->d_name);
        else if (strcmp(names + at - 3, "...") != 0)
            at += (size_t)snprintf(names + at, MOST_NAMED - at, ", ...");
        free(entries[i]);
    }
    free(entries);
    for (char *c = names; *c; c++)
        if (iscntrl((unsigned char)*c)) *c = '?';
    return count;
}

static int is_adapter(const struct dirent *entry)
{
    return strncmp(entry->d_name, "adapter_model.", 14) == 0;
}

static int is_safetensors(const struct dirent *entry)
{
    return hesse_file_ends_with(entry->d_name, ".safetensors");
}

static int is_index(const struct dirent *entry)
{
    return hesse_file_ends_with(entry->d_name, ".safetensors.index.json");
}

static int is_of_pytorch(const struct dirent *entry)
{
    static const char *const ends[] = {
        ".bin", ".pt", ".pth", ".ckpt", ".tar", ".bin.index.json", ".distcp"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (hesse_file_ends_with(entry->d_name, ends[i])) return 1;
    return 0;
}

static int is_any(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Say what a folder without a whole model holds instead. */
static hesse_status refuse_folder(const char *path, hesse_why *why)
{
    static const struct {
        int (*filter)(const struct dirent *);
        const char *advice;
    } others[] = {{is_adapter,
                   "an adapter is no whole model: merge it with merge_and_unload() of "
                   "PEFT and save the model"},
                  {is_index, "name the index itself"},
                  {is_safetensors,
                   "name the file itself, or save the model again if they are shards"},
                  {is_of_pytorch, "convert the folder with `hesse convert`"},
                  {is_any, "name the file or folder with the parameters"}};
    char names[MOST_NAMED] = "";
    const char *advice = NULL;
    for (size_t i = 0; !advice && i < sizeof others / sizeof *others; i++) {
        const int count = list_files(path, others[i].filter, names);
        if (count < 0)
            return hesse_fail(why, HESSE_E_INPUT, "%s: %s", path, strerror(errno));
        if (count) advice = others[i].advice;
    }
    return hesse_fail(why, HESSE_E_INPUT,
                      "%s: found %s, expected model.safetensors or "
                      "model.safetensors.index.json in this folder%s%s",
                      path, advice ? names : "an empty folder", advice ? "; " : "",
                      advice ? advice : "");
}

static hesse_status open_folder(const char *path, hesse_shards *shards, hesse_why *why)
{
    char *one = hesse_file_join(path, "model.safetensors");
    char *index = hesse_file_join(path, "model.safetensors.index.json");
    hesse_status s;
    if (!one || !index)
        s = out_of_memory(path, why);
    else if (hesse_file_exists(one) && hesse_file_exists(index))
        s = hesse_fail(why, HESSE_E_INPUT,
                       "%s: found model.safetensors and model.safetensors.index.json, "
                       "expected one of them in this folder; name the file that is "
                       "meant, because the other one may be stale",
                       path);
    else if (hesse_file_exists(one))
        s = open_one(one, shards, why);
    else if (hesse_file_exists(index))
        s = open_index(index, shards, why);
    else
        s = refuse_folder(path, why);
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
