/* Every format is one row: its magic bytes and their place, its name, and the advice
   for somebody who gave such a file for weights or for other inputs. Rows are tried in
   order, so that a special kind of an archive stands before the general one. */
#include "files/kind.h"

#include "files/file.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

enum { START = 512, MOST_HEADER = 100000000 };

static const char DOWNLOAD[] =
    "download the file itself (on Hugging Face, from /resolve/ instead of /blob/)";
static const char LINK[] = "copy the file that it points to, as `cp -L` does";
static const char CONVERT[] = "convert it with `hesse convert`";
static const char GGUF[] =
    "convert the model that it was made from with `hesse convert`";
static const char SAVE_NPY[] = "save each array with numpy.save";
static const char UNPACK[] = "unpack it";

typedef struct start {
    unsigned char bytes[START + 1]; /* with a 0 at the end */
    size_t count;
} start;

typedef struct format {
    hesse_file_kind kind;
    size_t at, length;
    const char *magic; /* NULL: `test` tells */
    bool (*test)(const start *s);
    const char *name, *weights, *other; /* the two advices */
} format;

/* The name of the first file in a zip archive. */
static bool zip_holds(const start *s, const char *what)
{
    if (s->count < 31 || memcmp(s->bytes, "PK\3\4", 4) != 0) return false;
    char name[256] = "";
    const size_t length = s->bytes[26];
    if (s->bytes[27] || 30 + length > s->count) return false;
    memcpy(name, s->bytes + 30, length);
    return hesse_file_ends_with(name, what);
}

static bool is_pytorch_zip(const start *s)
{
    return zip_holds(s, "/data.pkl");
}

static bool is_npz(const start *s)
{
    return zip_holds(s, ".npy");
}

static bool is_pickle(const start *s)
{
    return s->count > 2 && s->bytes[0] == 0x80 && 2 <= s->bytes[1] && s->bytes[1] <= 5;
}

static bool is_pytorch(const start *s)
{
    static const char magic[] = "\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
    return is_pickle(s) && s->count > 14 &&
           memcmp(s->bytes + 2, magic, sizeof magic - 1) == 0;
}

/* The first character that is no white space and no byte order mark. */
static const char *text_of(const start *s)
{
    const char *text = (const char *)s->bytes;
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0) text += 3;
    return text + strspn(text, " \t\r\n");
}

static bool is_page(const start *s)
{
    const char *text = text_of(s);
    return *text == '<' &&
           (text[1] == '!' || text[1] == '?' || isalpha((unsigned char)text[1]));
}

static bool is_json(const start *s)
{
    const char first = *text_of(s);
    return first == '{' || first == '[';
}

static bool is_link(const start *s)
{
    const char *text = (const char *)s->bytes;
    return strncmp(text, "../", 3) == 0 && strlen(text) == s->count && s->count < 256 &&
           !strchr(text, '\n');
}

/* 8 bytes of a length, and the header that has it. */
static bool is_safetensors(const start *s)
{
    uint64_t length;
    if (s->count < 9) return false;
    memcpy(&length, s->bytes, sizeof length);
    return 2 <= length && length <= MOST_HEADER && s->bytes[8] == '{' &&
           (s->count < 10 || strchr("\"} \t\n\r", s->bytes[9]));
}

static const format formats[] = {
    {HESSE_FILE_LFS, 0, 34, "version https://git-lfs.github.com", NULL,
     "a pointer of Git LFS", "run `git lfs pull` in its repository",
     "run `git lfs pull` in its repository"},
    {HESSE_FILE_LINK, 0, 0, NULL, is_link, "a symbolic link that was copied as text",
     LINK, LINK},
    {HESSE_FILE_PAGE, 0, 0, NULL, is_page, "a web page (HTML or XML)", DOWNLOAD,
     DOWNLOAD},
    {HESSE_FILE_SAFETENSORS, 0, 0, NULL, is_safetensors, "a safetensors file", "",
     "it holds the parameters of a model"},
    {HESSE_FILE_PYTORCH_ZIP, 0, 0, NULL, is_pytorch_zip, "a file of PyTorch (a zip)",
     CONVERT, SAVE_NPY},
    {HESSE_FILE_PYTORCH, 0, 0, NULL, is_pytorch, "a file of PyTorch (a pickle)",
     CONVERT, SAVE_NPY},
    {HESSE_FILE_NPZ, 0, 0, NULL, is_npz, "an archive of NumPy arrays (.npz)",
     "write the arrays with safetensors.numpy.save_file", SAVE_NPY},
    {HESSE_FILE_ZIP, 0, 4, "PK\3\4", NULL, "a zip archive", UNPACK, UNPACK},
    {HESSE_FILE_PICKLE, 0, 0, NULL, is_pickle, "a Python pickle", CONVERT, SAVE_NPY},
    {HESSE_FILE_NPY, 0, 6, "\x93NUMPY", NULL, "a NumPy array (.npy)",
     "write the arrays with safetensors.numpy.save_file",
     "give it where an array is expected"},
    {HESSE_FILE_GGUF, 0, 4, "GGUF", NULL, "a GGUF file of llama.cpp", GGUF, GGUF},
    {HESSE_FILE_HDF5, 0, 8, "\x89HDF\r\n\x1a\n", NULL, "an HDF5 file",
     "write its arrays with safetensors.numpy.save_file", SAVE_NPY},
    {HESSE_FILE_PARQUET, 0, 4, "PAR1", NULL, "a Parquet file",
     "it holds data and no parameters",
     "make token ids with `hesse tokenize`, or save each array with numpy.save"},
    {HESSE_FILE_ARROW, 0, 6, "ARROW1", NULL, "an Arrow file",
     "it holds data and no parameters",
     "make token ids with `hesse tokenize`, or save each array with numpy.save"},
    {HESSE_FILE_GZIP, 0, 2, "\x1f\x8b", NULL, "compressed by gzip",
     "decompress it with gunzip", "decompress it with gunzip"},
    {HESSE_FILE_TAR, 257, 5, "ustar", NULL, "a tar archive", "unpack it with tar xf",
     "unpack it with tar xf"},
    {HESSE_FILE_IMAGE, 0, 4, "\x89PNG", NULL, "a PNG image",
     "it holds an image and no parameters", SAVE_NPY},
    {HESSE_FILE_IMAGE, 0, 3, "\xff\xd8\xff", NULL, "a JPEG image",
     "it holds an image and no parameters", SAVE_NPY},
    {HESSE_FILE_JSON, 0, 0, NULL, is_json, "a JSON text",
     "the index of a checkpoint needs a name that ends in .json",
     "it holds no array and no text"},
};

static const format *format_of(const char *path)
{
    start s = {.count = 0};
    FILE *file;
    size_t size;
    if (hesse_file_open(path, &file, &size, NULL)) return NULL;
    s.count = fread(s.bytes, 1, START, file);
    fclose(file);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        const format *f = &formats[i];
        if (f->magic ? f->at + f->length <= s.count &&
                           memcmp(s.bytes + f->at, f->magic, f->length) == 0
                     : f->test(&s))
            return f;
    }
    return NULL;
}

hesse_file_kind hesse_file_kind_of(const char *path)
{
    const format *f = format_of(path);
    return f ? f->kind : HESSE_FILE_UNKNOWN;
}

static const char *name_of(hesse_file_kind kind)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (formats[i].kind == kind) return formats[i].name;
    return "token ids as .npy or .bin";
}

hesse_status hesse_file_explain(const char *path, hesse_file_kind expected,
                                hesse_status status, hesse_why *why)
{
    if (status != HESSE_E_INPUT) return status;
    const format *f = format_of(path);
    if (!f || f->kind == expected) return status;
    const char *advice = expected == HESSE_FILE_SAFETENSORS ? f->weights : f->other;
    return hesse_fail(why, HESSE_E_INPUT, "%s: found %s, expected %s; %s", path,
                      f->name, name_of(expected), advice);
}
