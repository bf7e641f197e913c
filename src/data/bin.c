/* A wrong width gives ids that look right: the halves of 32-bit ids are small numbers,
   too. So every source that tells the width is asked, they must agree, and where none
   tells it, a file that reads well with wider ids is refused. */
#include "data/bin.h"

#include "base/memory.h"
#include "files/file.h"
#include "files/json.h"
#include "files/kind.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { LLMC_HEADER = 1024, PIECE = 1 << 16 };

typedef struct bin {
    hesse_stream *src;
    size_t size;
    char kind;          /* as in a hesse_npy                 */
    int width;          /* bytes of an id; 0: not told yet   */
    const char *teller; /* the source of the width           */
    const char *layout; /* before the ids, and beside them   */
} bin;

static hesse_status tell(bin *b, char kind, int width, const char *teller,
                         hesse_why *why)
{
    if (b->width && b->width != width)
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: found ids of %d bits by %s, expected %d bits by %s",
                          b->src->path, 8 * width, teller, 8 * b->width, b->teller);
    b->kind = kind, b->width = width, b->teller = teller;
    return HESSE_OK;
}

/* 256 integers: the magic number, the version, the number of ids, zeros. */
static hesse_status read_llmc(bin *b, hesse_why *why)
{
    static const struct {
        int32_t magic, version;
        int width;
    } forms[] = {{20240520, 1, 2}, {20240801, 7, 4}};
    hesse_stream *src = b->src;
    int32_t head[3];
    if (b->size < sizeof head) return HESSE_OK;
    hesse_status s = hesse_file_read(src->file, src->path, 0, sizeof head, head, why);
    for (size_t i = 0; !s && i < sizeof forms / sizeof *forms; i++) {
        if (head[0] != forms[i].magic) continue;
        if (head[1] != forms[i].version)
            return hesse_fail(
                why, HESSE_E_INPUT,
                "%s: found version %d in its header of llm.c, expected %d", src->path,
                head[1], forms[i].version);
        const size_t width = (size_t)forms[i].width;
        if (b->size < LLMC_HEADER || b->size != LLMC_HEADER + width * (uint32_t)head[2])
            return hesse_fail(
                why, HESSE_E_INPUT,
                "%s: found %zu bytes, expected %zu: a header of llm.c and "
                "%u ids of %zu bits",
                src->path, b->size, LLMC_HEADER + width * (uint32_t)head[2],
                (uint32_t)head[2], 8 * width);
        src->form.data = LLMC_HEADER;
        b->layout = "stream behind a header of llm.c";
        s = tell(b, 'u', forms[i].width, "its header of llm.c", why);
    }
    return s;
}

/* The types of Megatron's indexes by their codes; 0: none of integers. */
static const struct {
    char kind;
    int width;
} megatron[] = {{0, 0},   {'u', 1}, {'i', 1}, {'i', 2}, {'i', 4},
                {'i', 8}, {0, 0},   {0, 0},   {'u', 2}};

static hesse_status take_megatron(bin *b, const char *path, const unsigned char *head,
                                  hesse_why *why)
{
    const int code = head[17];
    if (memcmp(head, "TNTIDX\0\0", 8) == 0 && !b->width)
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: found an index of an old Megatron (TNTIDX), expected "
                          "MMIDIDX; state the bits of an id",
                          path);
    if (memcmp(head, "MMIDIDX\0\0", 9) != 0) return HESSE_OK;
    if (head[9] != 1 || code >= (int)(sizeof megatron / sizeof *megatron) ||
        !megatron[code].width)
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: found version %d and type %d in this index of Megatron, "
                          "expected version 1 and a type of integers",
                          path, head[9], code);
    b->layout = "stream beside an index of Megatron, whose borders are not used";
    return tell(b, megatron[code].kind, megatron[code].width, "its index of Megatron",
                why);
}

static hesse_status read_megatron(bin *b, const char *path, hesse_why *why)
{
    unsigned char head[18];
    FILE *file = NULL;
    size_t size = 0;
    if (!hesse_file_exists(path)) return HESSE_OK;
    hesse_status s = hesse_file_open(path, &file, &size, why);
    if (!s && size >= sizeof head) {
        s = hesse_file_read(file, path, 0, sizeof head, head, why);
        if (!s) s = take_megatron(b, path, head, why);
    }
    if (file) fclose(file);
    return s;
}

static hesse_status take_description(bin *b, const char *path, const json_t *root,
                                     hesse_why *why)
{
    const json_t *type = json_object_get(root, "dtype");
    const json_t *vocabulary = json_object_get(root, "vocabulary");
    const char *name = json_string_value(type);
    const json_int_t ids = json_integer_value(vocabulary);
    const int width = !name                         ? 0
                      : strcmp(name, "uint16") == 0 ? 2
                      : strcmp(name, "uint32") == 0 ? 4
                                                    : 0;
    char shown[HESSE_JSON_SHOWN];
    if (!width) {
        hesse_json_show(type, shown);
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: dtype: found %s, expected \"uint16\" or \"uint32\"",
                          path, shown);
    }
    if (vocabulary && (ids < 1 || ids > INT_MAX)) {
        hesse_json_show(vocabulary, shown);
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: vocabulary: found %s, expected a number of ids", path,
                          shown);
    }
    b->src->vocabulary = (int)ids;
    if (ids)
        snprintf(b->src->source, sizeof b->src->source,
                 "the .bin.json beside the file");
    return tell(b, 'u', width, "the .bin.json beside it", why);
}

static hesse_status read_description(bin *b, const char *path, hesse_why *why)
{
    json_t *root = NULL;
    if (!hesse_file_exists(path)) return HESSE_OK;
    hesse_status s = hesse_json_load(path, &root, why);
    if (!s) s = take_description(b, path, root, why);
    json_decref(root);
    return s;
}

/* Asks the files beside: "train.idx" and "train.bin.json" of "train.bin". */
static hesse_status read_neighbours(bin *b, hesse_why *why)
{
    const size_t length = strlen(b->src->path), room = length + sizeof ".json";
    char *path = hesse_calloc(room, 1);
    if (!path) return hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory", b->src->path);
    snprintf(path, room, "%.*sidx", (int)(length - 3), b->src->path);
    hesse_status s = read_megatron(b, path, why);
    snprintf(path, room, "%s.json", b->src->path);
    if (!s) s = read_description(b, path, why);
    free(path);
    return s;
}

/* Properties of all ids of a file, read with 32 and with 64 bits. */
typedef struct survey {
    uint32_t largest;   /* with 32 bits                             */
    uint32_t high, low; /* the largest upper and lower half of them */
    bool upper_is_zero; /* of 64 bits                               */
} survey;

static hesse_status look(const bin *b, survey *v, hesse_why *why)
{
    static const size_t width = sizeof(uint32_t);
    uint32_t *words = hesse_calloc(PIECE, width);
    hesse_status s = HESSE_OK;
    if (!words)
        return hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory", b->src->path);
    *v = (survey){.upper_is_zero = b->size % (2 * width) == 0};
    for (size_t done = 0, n; !s && done < b->size / width; done += n) {
        n = b->size / width - done < PIECE ? b->size / width - done : PIECE;
        s = hesse_file_read(b->src->file, b->src->path, done * width, n * width, words,
                            why);
        for (size_t i = 0; !s && i < n; i++) {
            const uint32_t word = words[i], high = word >> 16, low = word & 0xFFFF;
            if (word > v->largest) v->largest = word;
            if (high > v->high) v->high = high;
            if (low > v->low) v->low = low;
            if (i % 2 && word) v->upper_is_zero = false;
        }
    }
    free(words);
    return s;
}

/* 32 bits are possible if the vocabulary holds all ids, and likely if the upper halves
   are tiny and the lower ones are not. */
static bool may_be_wide(const survey *v, int vocabulary)
{
    enum { TINY = 3, LARGE = 1024 };
    return (vocabulary && v->largest < (uint32_t)vocabulary) || !v->high ||
           (v->high <= TINY && v->low >= LARGE);
}

static hesse_status guess(bin *b, int vocabulary, hesse_why *why)
{
    survey v = {0};
    if (!b->size)
        return hesse_fail(why, HESSE_E_INPUT, "%s: the file is empty", b->src->path);
    if (b->size % sizeof(uint32_t)) return tell(b, 'u', 2, "", why);
    const hesse_status s = look(b, &v, why);
    if (s) return s;
    if (!may_be_wide(&v, vocabulary)) return tell(b, 'u', 2, "", why);
    const int wide = v.upper_is_zero ? 64 : 32;
    return hesse_fail(
        why, HESSE_E_INPUT,
        "%s: found ids that read well with %d bits and as pairs of 16, "
        "expected a file that tells them; state the bits of an id: %d (or 16)",
        b->src->path, wide, wide);
}

static hesse_status settle(const bin *b, int vocabulary, hesse_why *why)
{
    hesse_stream *src = b->src;
    const size_t bytes = b->size - src->form.data;
    const size_t width = (size_t)b->width;
    src->form.kind = b->kind, src->form.width = b->width;
    src->count = bytes / width;
    snprintf(src->layout, sizeof src->layout, "%s", b->layout);
    if (bytes % width && width == 2)
        return hesse_fail(
            why, HESSE_E_INPUT,
            "%s: found %zu bytes, expected an even number of them: 16-bit integers",
            src->path, bytes);
    if (bytes % width)
        return hesse_fail(
            why, HESSE_E_INPUT,
            "%s: found %zu bytes, expected a multiple of %zu: integers of "
            "%zu bits",
            src->path, bytes, width, 8 * width);
    if (vocabulary && src->vocabulary > vocabulary)
        return hesse_fail(why, HESSE_E_INPUT,
                          "%s: found ids of a tokenizer with a vocabulary of %d by %s, "
                          "expected at most the model's %d",
                          src->path, src->vocabulary, src->source, vocabulary);
    return HESSE_OK;
}

/* Formats that no ids begin with. */
static hesse_status refuse_formats(const bin *b, hesse_why *why)
{
    static const hesse_file_kind sure[] = {
        HESSE_FILE_LFS,  HESSE_FILE_LINK,        HESSE_FILE_NPY,
        HESSE_FILE_NPZ,  HESSE_FILE_PYTORCH_ZIP, HESSE_FILE_PYTORCH,
        HESSE_FILE_HDF5, HESSE_FILE_GGUF,        HESSE_FILE_SAFETENSORS};
    const hesse_file_kind found = hesse_file_kind_of(b->src->path);
    for (size_t i = 0; i < sizeof sure / sizeof *sure; i++)
        if (found == sure[i])
            return hesse_file_explain(b->src->path, HESSE_FILE_UNKNOWN, HESSE_E_INPUT,
                                      why);
    return HESSE_OK;
}

hesse_status hesse_bin_open(size_t size, int bits, int vocabulary, hesse_stream *src,
                            hesse_why *why)
{
    bin b = {.src = src, .size = size, .layout = "stream"};
    hesse_status s = refuse_formats(&b, why);
    if (!s && bits && bits != 16 && bits != 32 && bits != 64)
        s = hesse_fail(why, HESSE_E_JOB,
                       "%s: the width of an id is %d bits, expected 16, 32 or 64",
                       src->path, bits);
    if (!s && bits) s = tell(&b, 'u', bits / 8, "the options of the data", why);
    if (!s) s = read_llmc(&b, why);
    if (!s) s = read_neighbours(&b, why);
    if (!s && !b.width) s = guess(&b, vocabulary, why);
    return s ? s : settle(&b, vocabulary, why);
}
