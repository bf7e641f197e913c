/* Events of libyaml become nodes. Each shape of node has one function, and the
   recursion is no deeper than DEPTH. libyaml's own document is not used, because it
   expands aliases, which we refuse, and has no place for overrides. Errors of libyaml
   are reported in its words, with a hint for a common mistake. */
#include "job/job_tree.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { DEPTH = 8, MOST_NODES = 10000, LONGEST_KEY = 64 };

typedef struct reader {
    yaml_parser_t parser;
    const char *text;
    size_t length;
    const hesse_origin *source;
    int nodes;
    hesse_why *why;
} reader;

static hesse_status fail(reader *r, size_t line, const char *what, const char *hint)
{
    const hesse_words where = hesse_origin_where(r->source, (int)line + 1);
    return hesse_fail(r->why, HESSE_E_JOB, "%s: %s%s", where.text, what, hint);
}

static hesse_status exhausted(reader *r)
{
    return hesse_fail(r->why, HESSE_E_NOMEM, "out of memory for the job file");
}

/* True if a line begins with blanks and one of them is a tab. */
static bool indented_by_tab(const reader *r, size_t line)
{
    const char *at = r->text, *end = r->text + r->length;
    while (line && at < end) line -= *at++ == '\n';
    while (at < end && *at == ' ') at++;
    return at < end && *at == '\t';
}

static size_t line_of(const reader *r, size_t offset)
{
    size_t line = 0;
    for (size_t i = 0; i < offset && i < r->length; i++) line += r->text[i] == '\n';
    return line;
}

/* Report libyaml's message, with a hint that libyaml cannot give. */
static hesse_status malformed(reader *r)
{
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem ? p->problem : "this is no YAML";
    const char *context = p->context ? p->context : "";
    if (p->error == YAML_MEMORY_ERROR) return exhausted(r);
    if (p->error == YAML_READER_ERROR)
        return fail(r, line_of(r, p->problem_offset),
                    "this is no text in UTF-8: ", problem);
    const size_t line = p->problem_mark.line;
    if (indented_by_tab(r, line))
        return fail(r, line, "a tab begins the line, expected spaces", "");
    if (strstr(context, "alias") || strstr(context, "anchor"))
        return fail(r, line, problem,
                    "; a value that begins with * or & must stand in quotes");
    char what[160];
    snprintf(what, sizeof what, "%s%s%s", problem, *context ? " " : "", context);
    return fail(r, line, what, "");
}

static hesse_status next(reader *r, yaml_event_t *event)
{
    return yaml_parser_parse(&r->parser, event) ? HESSE_OK : malformed(r);
}

/* Refuse a feature of YAML that job files do not have. */
static hesse_status refuse(reader *r, const yaml_event_t *e)
{
    const size_t line = e->start_mark.line;
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch (e->type) {
    case YAML_ALIAS_EVENT:
        anchor = e->data.alias.anchor;
        break;
    case YAML_SCALAR_EVENT:
        anchor = e->data.scalar.anchor;
        tag = e->data.scalar.tag;
        if (strlen((const char *)e->data.scalar.value) != e->data.scalar.length)
            return fail(r, line, "a value holds a byte of value zero", "");
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = e->data.sequence_start.anchor;
        tag = e->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = e->data.mapping_start.anchor;
        tag = e->data.mapping_start.tag;
        break;
    default:
        break;
    }
    if (anchor)
        return fail(r, line, "anchors and aliases have no place in a job file",
                    "; a value that begins with * or & must stand in quotes");
    if (tag)
        return fail(r, line, "tags have no place in a job file",
                    "; a value that begins with ! must stand in quotes");
    if (++r->nodes > MOST_NODES)
        return fail(r, line, "a job file has at most 10000 values", "");
    return HESSE_OK;
}

static hesse_status value(reader *r, const yaml_event_t *e, int depth,
                          hesse_yaml **node);

/* Read the key of an entry, which must be a plain word that is new in the mapping. */
static hesse_status key(reader *r, const hesse_yaml *mapping, const yaml_event_t *e,
                        char **name)
{
    hesse_status s = refuse(r, e);
    if (s) return s;
    const size_t line = e->start_mark.line;
    if (e->type != YAML_SCALAR_EVENT || e->data.scalar.length == 0 ||
        e->data.scalar.length > LONGEST_KEY)
        return fail(r, line, "a key is a word of at most 64 bytes", "");
    const char *word = (const char *)e->data.scalar.value;
    for (const hesse_yaml *n = mapping->first; n; n = n->next)
        if (strcmp(n->key, word) == 0) {
            const hesse_words where = hesse_origin_where(r->source, (int)line + 1);
            return hesse_fail(r->why, HESSE_E_JOB,
                              "%s: key '%s' is there twice, first on line %d",
                              where.text, word, n->line);
        }
    *name = hesse_copy(word);
    return *name ? HESSE_OK : exhausted(r);
}

/* Read one entry of a list or mapping; its first event has been read. */
static hesse_status entry(reader *r, const hesse_yaml *parent, yaml_event_t *e,
                          int depth, hesse_yaml **node)
{
    if (parent->kind == HESSE_YAML_LIST) return value(r, e, depth, node);
    char *name = NULL;
    hesse_status s = key(r, parent, e, &name);
    const int line = (int)e->start_mark.line + 1;
    yaml_event_t second = {0};
    if (!s) s = next(r, &second);
    if (!s) s = value(r, &second, depth, node);
    yaml_event_delete(&second);
    if (s) {
        free(name);
        return s;
    }
    (*node)->key = name;
    (*node)->line = line;
    return HESSE_OK;
}

static hesse_status entries(reader *r, hesse_yaml *parent, int depth)
{
    hesse_yaml **tail = &parent->first;
    hesse_status s = HESSE_OK;
    for (bool more = true; !s && more;) {
        yaml_event_t e = {0};
        s = next(r, &e);
        more = e.type != YAML_SEQUENCE_END_EVENT && e.type != YAML_MAPPING_END_EVENT;
        if (!s && more) s = entry(r, parent, &e, depth, tail);
        yaml_event_delete(&e);
        if (!s && more) tail = &(*tail)->next;
    }
    return s;
}

/* Read the node that begins with an event. */
static hesse_status value(reader *r, const yaml_event_t *e, int depth,
                          hesse_yaml **node)
{
    hesse_status s = refuse(r, e);
    if (s) return s;
    if (depth > DEPTH)
        return fail(r, e->start_mark.line, "values nest more than 8 deep", "");
    hesse_yaml *made = hesse_calloc(1, sizeof *made);
    if (!made) return exhausted(r);
    made->source = r->source;
    made->line = (int)e->start_mark.line + 1;
    if (e->type == YAML_SCALAR_EVENT) {
        made->text = hesse_copy((const char *)e->data.scalar.value);
        made->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        if (!made->text) s = exhausted(r);
    } else {
        const bool list = e->type == YAML_SEQUENCE_START_EVENT;
        made->kind = list ? HESSE_YAML_LIST : HESSE_YAML_MAPPING;
        s = entries(r, made, depth + 1);
    }
    if (s)
        hesse_tree_free(made);
    else
        *node = made;
    return s;
}

/* Read a document and the events around it: the stream and the document begin, the
   document ends, and then the stream ends. */
static hesse_status document(reader *r, hesse_yaml **root)
{
    hesse_status s = HESSE_OK;
    for (bool more = true; !s && more;) {
        yaml_event_t e = {0};
        s = next(r, &e);
        const yaml_event_type_t type = e.type;
        if (!s && type == YAML_DOCUMENT_START_EVENT && *root)
            s = fail(r, e.start_mark.line, "a second document begins, expected one",
                     "");
        else if (!s && type != YAML_STREAM_START_EVENT &&
                 type != YAML_DOCUMENT_START_EVENT && type != YAML_DOCUMENT_END_EVENT &&
                 type != YAML_STREAM_END_EVENT)
            s = value(r, &e, 0, root);
        more = type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&e);
    }
    return s;
}

hesse_status hesse_tree_parse(const char *text, size_t length,
                              const hesse_origin *source, hesse_yaml **root,
                              hesse_why *why)
{
    reader r = {.text = text, .length = length, .source = source, .why = why};
    *root = NULL;
    const char *zero = memchr(text, '\0', length);
    if (zero)
        return fail(&r, line_of(&r, (size_t)(zero - text)),
                    "this is no text in UTF-8: it has a byte of value zero", "");
    if (!yaml_parser_initialize(&r.parser)) return exhausted(&r);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, length);
    hesse_status s = document(&r, root);
    yaml_parser_delete(&r.parser);
    if (s) {
        hesse_tree_free(*root);
        *root = NULL;
    }
    return s;
}
