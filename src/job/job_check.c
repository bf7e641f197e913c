/* The tree and the schema are walked side by side. A walk is at a node, whose dotted
   path names it in messages and finds its limit. */
#include "job/job_check.h"

#include "base/nearest.h"
#include "job/job_schema.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct walk {
    const cyaml_schema_value_t *schema;
    const hesse_yaml *node;
    char path[200]; /* "" of the whole file                  */
    bool entry;     /* the node is an entry of the list there */
    hesse_why *why;
} walk;

static hesse_status wrong(const walk *w, const char *expected)
{
    const hesse_words where = hesse_yaml_where(w->node),
                      found = hesse_yaml_found(w->node);
    const char *verb = w->entry ? "holds" : "is";
    return hesse_fail(w->why, HESSE_E_JOB, "%s: '%s' %s %s, expected %s", where.text,
                      w->path, verb, found.text, expected);
}

static void append(char *text, size_t room, const char *more)
{
    const size_t length = strlen(text);
    snprintf(text + length, room - length, "%s", more);
}

/* "a, b or c", and which of them is nearest to what was found, if one is near. */
static hesse_status wrong_word(const walk *w)
{
    const cyaml_strval_t *words = w->schema->enumeration.strings;
    const int count = (int)w->schema->enumeration.count;
    char text[500] = "";
    int nearest = 0;
    const char *found = w->node->kind == HESSE_YAML_SCALAR ? w->node->text : "";
    for (int i = 0; i < count; i++) {
        append(text, sizeof text, i == 0 ? "" : i < count - 1 ? ", " : " or ");
        append(text, sizeof text, words[i].str);
        if (hesse_edits(found, words[i].str) < hesse_edits(found, words[nearest].str))
            nearest = i;
    }
    if (2 * hesse_edits(found, words[nearest].str) <= (int)strlen(words[nearest].str)) {
        append(text, sizeof text, "; the nearest is '");
        append(text, sizeof text, words[nearest].str);
        append(text, sizeof text, "'");
    }
    return wrong(w, text);
}

static hesse_status check_word(const walk *w)
{
    if (w->node->kind != HESSE_YAML_SCALAR) return wrong_word(w);
    for (uint32_t i = 0; i < w->schema->enumeration.count; i++)
        if (strcmp(w->node->text, w->schema->enumeration.strings[i].str) == 0)
            return HESSE_OK;
    return wrong_word(w);
}

/* Decimal, without leading zeros, which libcyaml would take for octal. */
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

/* Whole numbers are compared as doubles, but for the end of 64 bits, where only the
   conversion itself can tell. */
static hesse_status check_number(const walk *w)
{
    const bool whole = w->schema->type != CYAML_FLOAT;
    const hesse_limit *limit = hesse_job_limit(w->path);
    const char *text = w->node->text;
    char expected[80];
    snprintf(expected, sizeof expected, "%s %s", whole ? "an integer" : "a number",
             limit->text);
    if (w->node->kind != HESSE_YAML_SCALAR ||
        !(whole ? is_integer(text) : is_number(text)))
        return wrong(w, expected);
    const double value = strtod(text, NULL);
    errno = 0;
    if (whole && value >= 0) strtoull(text, NULL, 10);
    if (errno || !(value >= limit->low && value <= limit->high))
        return wrong(w, expected);
    return HESSE_OK;
}

static hesse_status check_text(const walk *w)
{
    if (w->node->kind != HESSE_YAML_SCALAR || !*w->node->text)
        return wrong(w, "a text");
    if (strlen(w->node->text) <= w->schema->string.max) return HESSE_OK;
    char expected[60];
    snprintf(expected, sizeof expected, "a text of at most %u bytes",
             (unsigned)w->schema->string.max);
    return wrong(w, expected);
}

/* Known keys around an unknown one: where else it is known, and the nearest of all. */
typedef struct neighbours {
    const char *key, *section; /* the unknown one, and where it stands */
    char homes[160];           /* sections that know it: "'a' or 'b'"  */
    char nearest[64], nearest_section[100];
    int edits;
} neighbours;

static void look_around(neighbours *near, const cyaml_schema_field_t *fields,
                        const char *section)
{
    for (const cyaml_schema_field_t *f = fields; f->key; f++) {
        char inner[100];
        snprintf(inner, sizeof inner, "%s%s%s", section, *section ? "." : "", f->key);
        const bool elsewhere = strcmp(section, near->section) != 0;
        if (strcmp(f->key, near->key) == 0) {
            append(near->homes, sizeof near->homes, *near->homes ? " or " : "");
            append(near->homes, sizeof near->homes,
                   *section ? "in '" : "at the top level");
            append(near->homes, sizeof near->homes, section);
            append(near->homes, sizeof near->homes, *section ? "'" : "");
        }
        /* A key of the same section is nearer than one of another. */
        const int edits = 2 * hesse_edits(near->key, f->key) + elsewhere;
        if (edits < near->edits) {
            near->edits = edits;
            snprintf(near->nearest, sizeof near->nearest, "%s", f->key);
            snprintf(near->nearest_section, sizeof near->nearest_section, "%s",
                     section);
        }
        if (f->value.type == CYAML_MAPPING)
            look_around(near, f->value.mapping.fields, inner);
    }
}

static hesse_status unknown_key(const walk *w, const hesse_yaml *entry)
{
    neighbours near = {.key = entry->key, .section = w->path, .edits = 1000};
    look_around(&near, hesse_job_schema.mapping.fields, "");
    char advice[240];
    if (*near.homes)
        snprintf(advice, sizeof advice, "it belongs %s", near.homes);
    else if (near.edits > (int)strlen(near.nearest) + 1) /* half of it is another */
        snprintf(advice, sizeof advice, "docs/job.md has the known ones");
    else if (strcmp(near.nearest_section, w->path) == 0)
        snprintf(advice, sizeof advice, "the nearest known key is '%s'", near.nearest);
    else if (*near.nearest_section)
        snprintf(advice, sizeof advice, "the nearest known key is '%s' in '%s'",
                 near.nearest, near.nearest_section);
    else
        snprintf(advice, sizeof advice,
                 "the nearest known key is '%s' at the top level", near.nearest);
    const hesse_yaml word = {.text = entry->key};
    return hesse_fail(w->why, HESSE_E_JOB, "%s: unknown key %s %s%s%s; %s",
                      hesse_yaml_where(entry).text, hesse_yaml_found(&word).text,
                      *w->path ? "in '" : "at the top level", w->path,
                      *w->path ? "'" : "", advice);
}

static hesse_status check(const walk *w);

static hesse_status check_mapping(const walk *w)
{
    if (w->node->kind != HESSE_YAML_MAPPING) return wrong(w, "a mapping of keys");
    hesse_status s = HESSE_OK;
    for (const hesse_yaml *n = w->node->first; !s && n; n = n->next) {
        const cyaml_schema_field_t *f = w->schema->mapping.fields;
        while (f->key && strcmp(f->key, n->key)) f++;
        if (!f->key) return unknown_key(w, n);
        walk inner = {.schema = &f->value, .node = n, .why = w->why};
        snprintf(inner.path, sizeof inner.path, "%.100s%s%s", w->path,
                 *w->path ? "." : "", n->key);
        s = check(&inner);
    }
    return s;
}

static hesse_status check_list(const walk *w)
{
    const uint32_t least = w->schema->sequence.min, most = w->schema->sequence.max;
    if (w->node->kind != HESSE_YAML_LIST) return wrong(w, "a list, as in [a, b]");
    hesse_status s = HESSE_OK;
    uint32_t count = 0;
    for (const hesse_yaml *n = w->node->first; !s && n; n = n->next, count++) {
        walk inner = *w;
        inner.schema = w->schema->sequence.entry;
        inner.node = n;
        inner.entry = true;
        s = check(&inner);
        const bool names =
            inner.schema->type == CYAML_ENUM || inner.schema->type == CYAML_STRING;
        for (const hesse_yaml *m = w->node->first; !s && names && m != n; m = m->next)
            if (strcmp(m->text, n->text) == 0)
                s = hesse_fail(w->why, HESSE_E_JOB, "%s: '%s' holds %s twice",
                               hesse_yaml_where(n).text, w->path,
                               hesse_yaml_found(n).text);
    }
    if (!s && (count < least || count > most))
        return hesse_fail(w->why, HESSE_E_JOB,
                          "%s: '%s' has %u entries, expected from %u to %u",
                          hesse_yaml_where(w->node).text, w->path, (unsigned)count,
                          (unsigned)least, (unsigned)most);
    return s;
}

static hesse_status check(const walk *w)
{
    switch (w->schema->type) {
    case CYAML_MAPPING:
        return check_mapping(w);
    case CYAML_SEQUENCE:
        return check_list(w);
    case CYAML_ENUM:
        return check_word(w);
    case CYAML_STRING:
        return check_text(w);
    default:
        return check_number(w);
    }
}

hesse_status hesse_job_check_shape(const hesse_yaml *root, hesse_why *why)
{
    const walk w = {.schema = &hesse_job_schema, .node = root, .why = why};
    return check(&w);
}
