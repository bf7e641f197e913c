/* The tree is compared with the table of keys. Every value that the user wrote is
   checked. Defaults are trusted, because a test parses the resolved job of every family
   again. */
#include "job/values.h"
#include "network/families/families.h"

#include "base/memory.h"
#include "base/nearest.h"
#include "job/size.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PATH = 200, LONGEST_TEXT = 4095 };

/* A node, its row in the table (NULL: it is a section), and its dotted path. */
typedef struct place {
    const hesse_key *key;
    const hesse_yaml *node;
    const char *path;
    bool entry; /* the node is an entry of the list there */
    hesse_why *why;
} place;

static hesse_status wrong(const place *p, const char *expected)
{
    const hesse_words where = hesse_yaml_where(p->node),
                      found = hesse_yaml_found(p->node);
    return hesse_fail(p->why, HESSE_E_JOB, "%s: '%s' %s %s, expected %s", where.text,
                      p->path, p->entry ? "holds" : "is", found.text, expected);
}

static void append(char *text, size_t room, const char *more)
{
    const size_t length = strlen(text);
    snprintf(text + length, room - length, "%s", more);
}

/* Fail with "a, b or c", and with the word nearest to the given one, if one is near. */
static hesse_status wrong_word(const place *p)
{
    const char *found = p->node->kind == HESSE_YAML_SCALAR ? p->node->text : "", *name;
    hesse_nearest near = {.word = found};
    char text[500] = "";
    for (int i = 0; (name = hesse_key_word(p->key, i).name); i++) {
        const bool last = !hesse_key_word(p->key, i + 1).name;
        append(text, sizeof text, !i ? "" : last ? " or " : ", ");
        append(text, sizeof text, name);
        hesse_nearest_try(&near, name);
    }
    if (near.edits && 2 * near.edits <= (int)strlen(near.name)) {
        append(text, sizeof text, "; the nearest is '");
        append(text, sizeof text, near.name);
        append(text, sizeof text, "'");
    }
    return wrong(p, text);
}

/* An integer is decimal, without leading zeros, which other readers of YAML read as
   octal. */
static bool is_integer(const char *text)
{
    text += *text == '-' || *text == '+';
    const size_t digits = strspn(text, "0123456789");
    return digits > 0 && !text[digits] && (digits == 1 || *text != '0');
}

static bool is_number(const char *text)
{
    text += *text == '-' || *text == '+';
    const size_t whole = strspn(text, "0123456789");
    text += whole;
    const size_t part = *text == '.' ? strspn(text + 1, "0123456789") : 0;
    text += *text == '.' ? part + 1 : 0;
    if (whole + part == 0) return false;
    if (*text == 'e' || *text == 'E') {
        text++;
        text += *text == '-' || *text == '+';
        const size_t digits = strspn(text, "0123456789");
        return digits > 0 && !text[digits];
    }
    return !*text;
}

/* Integers are compared as doubles, except at the end of 64 bits, where only the
   conversion itself can tell. */
static hesse_status check_number(const place *p)
{
    const bool whole = p->key->type == HESSE_KEY_INTEGER;
    const hesse_yaml *n = p->node;
    char limits[64], expected[80];
    hesse_key_limits(p->key, limits);
    snprintf(expected, sizeof expected, "%s %s", whole ? "an integer" : "a number",
             limits);
    if (n->kind != HESSE_YAML_SCALAR || n->quoted ||
        !(whole ? is_integer(n->text) : is_number(n->text)))
        return wrong(p, expected);
    const double value = strtod(n->text, NULL);
    errno = 0;
    if (whole && value >= 0) strtoull(n->text, NULL, 10);
    if (errno || !(value >= p->key->low && value <= p->key->high))
        return wrong(p, expected);
    return HESSE_OK;
}

static hesse_status check_text(const place *p)
{
    const int most = p->key->list ? LONGEST_TEXT : p->key->most;
    size_t bytes;
    char expected[60];
    if (p->node->kind != HESSE_YAML_SCALAR || !*p->node->text)
        return wrong(p, "a text");
    snprintf(expected, sizeof expected, "a text of at most %d bytes", most);
    if (strlen(p->node->text) > (size_t)most) return wrong(p, expected);
    if (p->key->type == HESSE_KEY_SIZE && !hesse_size_parse(p->node->text, &bytes))
        return wrong(p, "a size with a unit, such as 4GiB or 500 MB");
    return HESSE_OK;
}

static hesse_status check_scalar(const place *p)
{
    const hesse_yaml *n = p->node;
    switch (p->key->type) {
    case HESSE_KEY_INTEGER:
    case HESSE_KEY_NUMBER:
        return check_number(p);
    case HESSE_KEY_TRUTH:
    case HESSE_KEY_WORD:
        return n->kind == HESSE_YAML_SCALAR &&
                       hesse_key_word_named(p->key, n->text) >= 0 &&
                       !(n->quoted && p->key->type == HESSE_KEY_TRUTH)
                   ? HESSE_OK
                   : wrong_word(p);
    default:
        return check_text(p);
    }
}

static bool is_numeric(const hesse_key *key)
{
    return key->type == HESSE_KEY_INTEGER || key->type == HESSE_KEY_NUMBER;
}

/* True for a word in place of a list of numbers. */
static bool is_word_for_list(const hesse_key *key, const hesse_yaml *node)
{
    return key->list && is_numeric(key) && node->kind == HESSE_YAML_SCALAR &&
           hesse_key_word_named(key, node->text) >= 0;
}

static hesse_status check_list(const place *p)
{
    const hesse_key *key = p->key;
    char expected[80] = "a list, as in [a, b]";
    if (is_word_for_list(key, p->node)) return HESSE_OK;
    if (is_numeric(key) && key->words)
        snprintf(expected, sizeof expected, "%.30s, or a list, as in [1, 2]",
                 key->words->name);
    if (p->node->kind != HESSE_YAML_LIST) return wrong(p, expected);
    hesse_status s = HESSE_OK;
    int count = 0;
    for (const hesse_yaml *n = p->node->first; !s && n; n = n->next, count++) {
        place inner = *p;
        inner.node = n;
        inner.entry = true;
        s = check_scalar(&inner);
        for (const hesse_yaml *m = p->node->first;
             !s && !is_numeric(key) && !key->repeats && m != n; m = m->next)
            if (strcmp(m->text, n->text) == 0)
                s = hesse_fail(p->why, HESSE_E_JOB, "%s: '%s' holds %s twice",
                               hesse_yaml_where(n).text, p->path,
                               hesse_yaml_found(n).text);
    }
    if (!s && (count < key->least || count > key->most))
        return hesse_fail(
            p->why, HESSE_E_JOB, "%s: '%s' has %d entries, expected from %d to %d",
            hesse_yaml_where(p->node).text, p->path, count, key->least, key->most);
    return s;
}

/* A mapping of names to lists of texts, or to one text each. */
static hesse_status check_table(const place *p)
{
    const char *expected = "a mapping of names to lists of texts, as in {a: [b, c]}";
    if (p->node->kind != HESSE_YAML_MAPPING || !p->node->first)
        return wrong(p, expected);
    hesse_status s = HESSE_OK;
    int count = 0;
    for (const hesse_yaml *n = p->node->first; !s && n; n = n->next) {
        char path[2 * PATH];
        snprintf(path, sizeof path, "%.190s.%.100s", p->path, n->key);
        const place inner = {.key = p->key, .node = n, .path = path, .why = p->why};
        const bool list = n->kind == HESSE_YAML_LIST;
        if (list ? !n->first : n->kind != HESSE_YAML_SCALAR)
            return wrong(&inner, "a list of texts, as in [a, b]");
        for (const hesse_yaml *m = list ? n->first : n; !s && m;
             m = list ? m->next : NULL, count++) {
            place entry = inner;
            entry.node = m, entry.entry = list;
            s = check_text(&entry);
        }
    }
    if (!s && count > p->key->most)
        s = hesse_fail(p->why, HESSE_E_JOB,
                       "%s: '%s' has %d entries, expected at most %d",
                       hesse_yaml_where(p->node).text, p->path, count, p->key->most);
    return s;
}

/* Known keys around an unknown one: the sections that have a key of its name, and the
   nearest of all keys. */
typedef struct neighbours {
    const char *key, *section; /* the unknown key, and its section      */
    char homes[160];           /* sections that know it: "'a' or 'b'"   */
    char nearest[64], nearest_section[100];
    int edits;
} neighbours;

/* Compare with a known key or section: its name, and its section of a given length. */
static void look_at(neighbours *near, const char *section, size_t length,
                    const char *name, size_t name_length)
{
    char in[100], known[64];
    snprintf(in, sizeof in, "%.*s", (int)length, section);
    snprintf(known, sizeof known, "%.*s", (int)name_length, name);
    if (strcmp(known, near->key) == 0) {
        append(near->homes, sizeof near->homes, *near->homes ? " or " : "");
        append(near->homes, sizeof near->homes, *in ? "in '" : "at the top level");
        append(near->homes, sizeof near->homes, in);
        append(near->homes, sizeof near->homes, *in ? "'" : "");
    }
    /* A key of the same section is nearer than a key of another section. */
    const int edits =
        2 * hesse_edits(near->key, known) + (strcmp(in, near->section) != 0);
    if (edits >= near->edits) return;
    near->edits = edits;
    strcpy(near->nearest, known);
    strcpy(near->nearest_section, in);
}

/* Look at every word of every path once, and at sections before their keys. */
static void look_around(neighbours *near)
{
    const char *before = "";
    for (int i = 0; hesse_key_at(i); before = hesse_key_at(i++)->path) {
        const char *path = hesse_key_at(i)->path, *word = path;
        while (true) {
            const size_t length = strcspn(word, "."), end = (size_t)(word - path);
            const bool seen =
                word[length] && strncmp(before, path, end + length + 1) == 0;
            if (!seen) look_at(near, path, end ? end - 1 : 0, word, length);
            if (!word[length]) break;
            word += length + 1;
        }
    }
}

static hesse_status unknown_key(const place *p, const hesse_yaml *entry)
{
    neighbours near = {.key = entry->key, .section = p->path, .edits = 1000};
    look_around(&near);
    char advice[240];
    if (*near.homes)
        snprintf(advice, sizeof advice, "it belongs %s", near.homes);
    else if (near.edits > (int)strlen(near.nearest) + 1) /* half of it differs */
        snprintf(advice, sizeof advice, "`hesse keys` prints the known ones");
    else if (strcmp(near.nearest_section, p->path) == 0)
        snprintf(advice, sizeof advice, "the nearest known key is '%s'", near.nearest);
    else if (*near.nearest_section)
        snprintf(advice, sizeof advice, "the nearest known key is '%s' in '%s'",
                 near.nearest, near.nearest_section);
    else
        snprintf(advice, sizeof advice,
                 "the nearest known key is '%s' at the top level", near.nearest);
    const hesse_yaml word = {.text = entry->key};
    return hesse_fail(p->why, HESSE_E_JOB, "%s: unknown key %s %s%s%s; %s",
                      hesse_yaml_where(entry).text, hesse_yaml_found(&word).text,
                      *p->path ? "in '" : "at the top level", p->path,
                      *p->path ? "'" : "", advice);
}

/* True if there are keys in a section with this path. */
static bool is_section(const char *path)
{
    const size_t length = strlen(path);
    for (int i = 0; hesse_key_at(i); i++)
        if (strncmp(hesse_key_at(i)->path, path, length) == 0 &&
            hesse_key_at(i)->path[length] == '.')
            return true;
    return false;
}

static hesse_status read_section(const place *p, hesse_values *values)
{
    if (p->node->kind != HESSE_YAML_MAPPING) return wrong(p, "a mapping of keys");
    hesse_status s = HESSE_OK;
    for (const hesse_yaml *n = p->node->first; !s && n; n = n->next) {
        char path[PATH];
        snprintf(path, sizeof path, "%.100s%s%.90s", p->path, *p->path ? "." : "",
                 n->key);
        const int i = hesse_key_find(path);
        const place inner = {.key = i < 0 ? NULL : hesse_key_at(i),
                             .node = n,
                             .path = path,
                             .why = p->why};
        if (i >= 0) {
            values->node[i] = n;
            s = inner.key->table ? check_table(&inner)
                : inner.key->list &&
                        !(inner.key->or_one && n->kind == HESSE_YAML_SCALAR)
                    ? check_list(&inner)
                    : check_scalar(&inner);
        } else if (is_section(path)) {
            s = read_section(&inner, values);
        } else {
            s = unknown_key(p, n);
        }
    }
    return s;
}

hesse_status hesse_values_read(const hesse_yaml *root, hesse_values *values,
                               hesse_why *why)
{
    const place whole = {.node = root, .path = "", .why = why};
    return read_section(&whole, values);
}

static const char *text_of(const hesse_values *values, const char *path)
{
    const hesse_yaml *node = values->node[hesse_key_find(path)];
    return node ? node->text : "";
}

const hesse_yaml *hesse_values_given(const hesse_values *values, const char *path)
{
    const hesse_yaml *node = values->node[hesse_key_find(path)];
    return node && node->source ? node : NULL;
}

bool hesse_key_is_source(const hesse_key *key)
{
    return key->offset == offsetof(hesse_job, data.paths) ||
           key->offset == offsetof(hesse_job, data.kind);
}

const char *hesse_values_kind(const hesse_values *values)
{
    for (int i = 0; hesse_key_at(i); i++) {
        const hesse_key *key = hesse_key_at(i);
        if (!values->node[i] || !hesse_key_is_source(key)) continue;
        return key->word ? hesse_key_word(
                               key, hesse_key_word_named(key, values->node[i]->text))
                               .name
                         : key->path + strlen("data.");
    }
    const hesse_family *f = hesse_family_named(text_of(values, "model.family"));
    return f && f->data ? f->data : "";
}

/* The loss that a config implies is that of a classifier of sequences. */
static bool classifies(const hesse_values *values)
{
    const char *task = text_of(values, "model.task");
    return !*task || strcmp(task, "classify") == 0;
}

/* The value of a key that the config implies, or NULL. */
static const char *told_of(const hesse_values *values, const hesse_key *key)
{
    const hesse_told *t = values->told;
    const char *text = !t                                       ? ""
                       : strcmp(key->path, "model.family") == 0 ? t->family
                       : strcmp(key->path, "model.task") == 0   ? t->task
                       : strcmp(key->path, "model.loss") == 0 && classifies(values)
                           ? t->loss
                           : "";
    return *text ? text : NULL;
}

/* The default of a key, or NULL. */
static const char *default_of(const hesse_values *values, const hesse_key *key)
{
    const bool paper =
        strcmp(text_of(values, "spectrum.lanczos.procedure"), "paper") == 0;
    const bool config = *text_of(values, "model.config");
    const bool data = strncmp(key->path, "data.", 5) == 0;
    const char *standard;
    if (paper && key->paper) return key->paper;
    if (config && key->in_config) return NULL;
    if (!hesse_job_training_has(values, key->path)) return NULL;
    const bool is_there = hesse_key_is_of(
        key, data ? hesse_values_kind(values) : text_of(values, "model.family"),
        &standard);
    const char *told = is_there ? told_of(values, key) : NULL;
    return told ? told : is_there ? standard : NULL;
}

/* Make a node without a source: a scalar, or the entries of "[a, b]". */
static hesse_yaml *make_node(const char *text, size_t length)
{
    hesse_yaml *n = hesse_calloc(1, sizeof *n);
    if (!n) return NULL;
    if (*text != '[') {
        n->text = hesse_calloc(length + 1, 1);
        if (n->text) memcpy(n->text, text, length);
        if (n->text) return n;
        free(n);
        return NULL;
    }
    n->kind = HESSE_YAML_LIST;
    hesse_yaml **tail = &n->first;
    for (const char *at = text + 1; *at != ']'; tail = &(*tail)->next) {
        const size_t size = strcspn(at, ",]");
        if (!(*tail = make_node(at, size))) {
            hesse_tree_free(n);
            return NULL;
        }
        at += size + (at[size] == ',');
        at += *at == ' ';
    }
    return n;
}

hesse_status hesse_values_complete(hesse_values *values, hesse_why *why)
{
    for (int i = 0; hesse_key_at(i); i++) {
        const char *text = values->node[i] ? NULL : default_of(values, hesse_key_at(i));
        if (!text) continue;
        hesse_yaml *node = make_node(text, strlen(text));
        if (!node)
            return hesse_fail(why, HESSE_E_NOMEM, "out of memory for the job file");
        node->next = values->defaults;
        values->defaults = node;
        values->node[i] = node;
    }
    return HESSE_OK;
}

void hesse_values_free(hesse_values *values)
{
    hesse_tree_free(values->defaults);
}

/* Pieces of a job's memory. */
typedef struct hesse_job_chunk {
    struct hesse_job_chunk *next;
    max_align_t bytes[];
} chunk;

void *hesse_job_room(hesse_job *job, size_t bytes)
{
    chunk *c = hesse_calloc(1, sizeof *c + bytes);
    if (!c) return NULL;
    c->next = job->memory;
    job->memory = c;
    return c->bytes;
}

void hesse_job_release(hesse_job *job)
{
    while (job->memory) {
        chunk *next = job->memory->next;
        free(job->memory);
        job->memory = next;
    }
}

/* Make a path that can be opened from here: it is relative to the job file's folder,
   unless it is absolute. */
const char *hesse_job_beside(hesse_job *job, const char *file, const char *path)
{
    const char *slash = strrchr(file, '/');
    const size_t folder = *path == '/' || !slash ? 0 : (size_t)(slash - file) + 1;
    char *joined = hesse_job_room(job, folder + strlen(path) + 1);
    if (!joined) return NULL;
    memcpy(joined, file, folder);
    strcpy(joined + folder, path);
    return joined;
}

/* Keep a path or another text; NULL: out of memory. */
static const char *keep_text(hesse_job *job, const hesse_key *key, const char *file,
                             const char *text)
{
    char *copy;
    if (key->type == HESSE_KEY_PATH) return hesse_job_beside(job, file, text);
    copy = hesse_job_room(job, strlen(text) + 1);
    return copy ? strcpy(copy, text) : NULL;
}

static void put_integer(const char *text, size_t bytes, void *at)
{
    if (bytes == sizeof(uint64_t))
        *(uint64_t *)at = strtoull(text, NULL, 10);
    else
        *(int *)at = (int)strtol(text, NULL, 10);
}

/* Store the value of a word. If a job has the word itself, store the word: as a pointer
   to a constant text, or as bytes in the job. */
static void put_word(hesse_word word, size_t bytes, void *at)
{
    if (bytes == sizeof(bool))
        *(bool *)at = word.value;
    else if (bytes == sizeof(int))
        *(int *)at = word.value;
    else if (bytes == sizeof(char *))
        *(const char **)at = word.name;
    else
        snprintf(at, bytes, "%s", word.name);
}

static bool put(const hesse_key *key, const char *file, const char *text, size_t bytes,
                void *at, hesse_job *job)
{
    switch (key->type) {
    case HESSE_KEY_INTEGER:
        put_integer(text, bytes, at);
        return true;
    case HESSE_KEY_NUMBER:
        *(double *)at = strtod(text, NULL);
        return true;
    case HESSE_KEY_TRUTH:
    case HESSE_KEY_WORD:
        put_word(hesse_key_word(key, hesse_key_word_named(key, text)), bytes, at);
        return true;
    case HESSE_KEY_SIZE:
        return hesse_size_parse(text, at);
    default:
        return (*(const char **)at = keep_text(job, key, file, text)) != NULL;
    }
}

/* The bytes of one entry of a list. */
static size_t entry_bytes(const hesse_key *key)
{
    if (key->type == HESSE_KEY_NUMBER) return sizeof(double);
    if (key->type == HESSE_KEY_INTEGER && key->high > INT32_MAX)
        return sizeof(uint64_t);
    return key->type == HESSE_KEY_INTEGER || key->type == HESSE_KEY_WORD
               ? sizeof(int)
               : sizeof(char *);
}

/* Store the texts of a table. */
static bool put_table(const hesse_key *key, const hesse_yaml *node, hesse_job *job)
{
    int count = 0;
    for (const hesse_yaml *n = node->first; n; n = n->next) {
        count += n->kind != HESSE_YAML_LIST;
        for (const hesse_yaml *m = n->first; m; m = m->next) count++;
    }
    const char **entries = hesse_job_room(job, (size_t)count * sizeof *entries);
    if (!entries) return false;
    *(const char ***)(void *)((char *)job + key->offset) = entries;
    *(int *)(void *)((char *)job + key->count) = count;
    for (const hesse_yaml *n = node->first; n; n = n->next) {
        const bool list = n->kind == HESSE_YAML_LIST;
        for (const hesse_yaml *m = list ? n->first : n; m; m = list ? m->next : NULL) {
            const size_t room = strlen(n->key) + strlen(m->text) + 2;
            char *text = hesse_job_room(job, room);
            if (!text) return false;
            snprintf(text, room, "%s=%s", n->key, m->text);
            *entries++ = text;
        }
    }
    return true;
}

/* A list is stored in the job itself if the job has room for it, else in separate
   memory. A single path of a key that takes several is a list of one. A word in place
   of a list leaves the list empty. */
static bool put_node(const hesse_key *key, const char *file, const hesse_yaml *node,
                     hesse_job *job)
{
    char *at = (char *)job + key->offset;
    if (key->table) return put_table(key, node, job);
    if (!key->count) return put(key, file, node->text, key->bytes, at, job);
    if (is_word_for_list(key, node)) return true;
    const bool list = node->kind == HESSE_YAML_LIST;
    const size_t bytes = entry_bytes(key);
    int count = 0;
    for (const hesse_yaml *n = list ? node->first : node; n; n = list ? n->next : NULL)
        count++;
    char *entries = at;
    if (key->bytes == sizeof(void *)) {
        entries = hesse_job_room(job, (size_t)count * bytes);
        if (!entries) return false;
        *(void **)at = entries;
    }
    bool good = true;
    for (const hesse_yaml *n = list ? node->first : node; good && n;
         n = list ? n->next : NULL, entries += bytes)
        good = put(key, file, n->text, bytes, entries, job);
    *(int *)(void *)((char *)job + key->count) = count;
    return good;
}

/* True if YAML reads this text as a text again without quotes. */
static bool is_plain(const char *text)
{
    static const char *const others[] = {"true", "false", "yes", "no", "on",
                                         "off",  "null",  "y",   "n"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcasecmp(text, others[i]) == 0) return false;
    const size_t letters = strspn(text, "abcdefghijklmnopqrstuvwxyz"
                                        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/+-");
    return !text[letters] && strspn(text, "0123456789.+-") == 0;
}

/* Decode a code point of UTF-8, which libyaml has checked, and count its bytes. */
static unsigned code_point(const char *text, int *bytes)
{
    const unsigned char *c = (const unsigned char *)text;
    *bytes = c[0] < 0x80 ? 1 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4;
    unsigned code = *bytes == 1 ? c[0] : c[0] & (0x7fu >> *bytes);
    for (int i = 1; i < *bytes; i++) code = code << 6 | (c[i] & 0x3f);
    return code;
}

/* Write a text in double quotes; characters that are not printable are escaped. */
static void write_quoted(FILE *out, const char *text)
{
    int bytes;
    fputc('"', out);
    for (; *text; text += bytes) {
        const unsigned code = code_point(text, &bytes);
        const bool printable = (code >= ' ' && code < 0x7f) ||
                               (code >= 0xa0 && code != 0x2028 && code != 0x2029 &&
                                code != 0xfeff && code < 0xfffe) ||
                               code > 0xffff;
        if (!printable)
            fprintf(out, "\\U%08X", code);
        else
            fprintf(out, "%s%.*s", code == '"' || code == '\\' ? "\\" : "", bytes,
                    text);
    }
    fputc('"', out);
}

static void write_value(FILE *out, const hesse_key *key, const hesse_yaml *node)
{
    const bool text = key->type == HESSE_KEY_PATH || key->type == HESSE_KEY_TEXT ||
                      key->type == HESSE_KEY_SIZE;
    if (node->kind == HESSE_YAML_MAPPING) {
        fputc('{', out);
        for (const hesse_yaml *n = node->first; n; n = n->next) {
            if (is_plain(n->key))
                fputs(n->key, out);
            else
                write_quoted(out, n->key);
            fputs(": ", out);
            write_value(out, key, n);
            if (n->next) fputs(", ", out);
        }
        fputc('}', out);
    } else if (node->kind == HESSE_YAML_LIST) {
        fputc('[', out);
        for (const hesse_yaml *n = node->first; n; n = n->next) {
            write_value(out, key, n);
            if (n->next) fputs(", ", out);
        }
        fputc(']', out);
    } else if (text && !is_plain(node->text)) {
        write_quoted(out, node->text);
    } else {
        fputs(node->text, out);
    }
}

/* Keep the text of a value, for the resolved job. */
static bool keep_value(const hesse_key *key, const hesse_yaml *node, hesse_job *job,
                       const char **value)
{
    char *text = NULL, *copy = NULL;
    size_t length;
    FILE *memory = open_memstream(&text, &length);
    if (!memory) return false;
    write_value(memory, key, node);
    if (!fclose(memory)) copy = hesse_job_room(job, length + 1);
    if (copy) *value = strcpy(copy, text);
    free(text);
    return copy != NULL;
}

hesse_status hesse_values_store(const hesse_values *values, const char *path,
                                hesse_job *job, hesse_why *why)
{
    bool good = true;
    for (int i = 0; good && hesse_key_at(i); i++) {
        const hesse_key *key = hesse_key_at(i);
        const hesse_yaml *node = values->node[i];
        if (node)
            good = put_node(key, path, node, job) &&
                   keep_value(key, node, job, &job->values[i]);
    }
    return good ? HESSE_OK
                : hesse_fail(why, HESSE_E_NOMEM, "out of memory for the job file");
}
