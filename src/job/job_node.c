/* Nodes once they are there: found, moved, written out and put in words. */
#include "base/memory.h"
#include "job/job_tree.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

void hesse_tree_free(hesse_yaml *root)
{
    while (root) {
        hesse_yaml *next = root->next;
        hesse_tree_free(root->first);
        free(root->key);
        free(root->text);
        free(root);
        root = next;
    }
}

hesse_yaml *hesse_tree_wrap(const char *key, size_t length, hesse_yaml *node)
{
    hesse_yaml *around = hesse_calloc(1, sizeof *around);
    node->key = strndup(key, length);
    if (!around || !node->key) {
        free(around);
        hesse_tree_free(node);
        return NULL;
    }
    around->kind = HESSE_YAML_MAPPING;
    around->source = node->source;
    around->line = node->line;
    around->first = node;
    return around;
}

static bool is_called(const hesse_yaml *n, const char *key, size_t length)
{
    return strlen(n->key) == length && memcmp(n->key, key, length) == 0;
}

/* The place where a mapping's entry of a name hangs, or would be appended. */
static hesse_yaml **place_of(hesse_yaml *mapping, const char *key)
{
    hesse_yaml **at = &mapping->first;
    while (*at && !is_called(*at, key, strlen(key))) at = &(*at)->next;
    return at;
}

void hesse_tree_merge(hesse_yaml *into, hesse_yaml *from, bool replace)
{
    hesse_yaml *next = from->first;
    from->first = NULL;
    hesse_tree_free(from);
    for (hesse_yaml *n = next; n; n = next) {
        next = n->next;
        n->next = NULL;
        hesse_yaml **at = place_of(into, n->key);
        hesse_yaml *old = *at;
        if (!old) {
            *at = n;
        } else if (old->kind == HESSE_YAML_MAPPING && n->kind == HESSE_YAML_MAPPING) {
            hesse_tree_merge(old, n, replace);
        } else if (replace) {
            *at = n;
            n->next = old->next;
            old->next = NULL;
            hesse_tree_free(old);
        } else {
            hesse_tree_free(n);
        }
    }
}

const hesse_yaml *hesse_tree_find(const hesse_yaml *root, const char *path)
{
    while (root && root->kind == HESSE_YAML_MAPPING) {
        const size_t length = strcspn(path, ".");
        const hesse_yaml *n = root->first;
        while (n && !is_called(n, path, length)) n = n->next;
        if (!path[length]) return n;
        path += length + 1;
        root = n;
    }
    return NULL;
}

const hesse_yaml *hesse_tree_given(const hesse_yaml *root, const char *path)
{
    const hesse_yaml *n = hesse_tree_find(root, path);
    return n && (n->source->path || n->source->set) ? n : NULL;
}

/* Words and numbers as they are; in double quotes everything survives. */
static bool is_plain(const char *text)
{
    if (!isalnum((unsigned char)*text)) return false;
    while (isalnum((unsigned char)*text) || (*text && strchr("._/+-", *text))) text++;
    return !*text;
}

static int emit_scalar(yaml_emitter_t *emitter, const char *text)
{
    yaml_event_t e;
    return yaml_scalar_event_initialize(
               &e, NULL, NULL, (const yaml_char_t *)text, (int)strlen(text), 1, 1,
               is_plain(text) ? YAML_PLAIN_SCALAR_STYLE
                              : YAML_DOUBLE_QUOTED_SCALAR_STYLE) &&
           yaml_emitter_emit(emitter, &e);
}

static int emit_node(yaml_emitter_t *emitter, const hesse_yaml *node)
{
    if (node->kind == HESSE_YAML_SCALAR) return emit_scalar(emitter, node->text);
    yaml_event_t e;
    const bool list = node->kind == HESSE_YAML_LIST;
    int good = list ? yaml_sequence_start_event_initialize(&e, NULL, NULL, 1,
                                                           YAML_FLOW_SEQUENCE_STYLE)
                    : yaml_mapping_start_event_initialize(&e, NULL, NULL, 1,
                                                          YAML_BLOCK_MAPPING_STYLE);
    good = good && yaml_emitter_emit(emitter, &e);
    for (const hesse_yaml *n = node->first; good && n; n = n->next)
        good = (list || emit_scalar(emitter, n->key)) && emit_node(emitter, n);
    return good &&
           (list ? yaml_sequence_end_event_initialize(&e)
                 : yaml_mapping_end_event_initialize(&e)) &&
           yaml_emitter_emit(emitter, &e);
}

static int emit_document(yaml_emitter_t *emitter, const hesse_yaml *root)
{
    yaml_event_t e;
    return yaml_stream_start_event_initialize(&e, YAML_UTF8_ENCODING) &&
           yaml_emitter_emit(emitter, &e) &&
           yaml_document_start_event_initialize(&e, NULL, NULL, NULL, 1) &&
           yaml_emitter_emit(emitter, &e) && emit_node(emitter, root) &&
           yaml_document_end_event_initialize(&e, 1) &&
           yaml_emitter_emit(emitter, &e) && yaml_stream_end_event_initialize(&e) &&
           yaml_emitter_emit(emitter, &e);
}

char *hesse_tree_emit(const hesse_yaml *root, size_t *length)
{
    char *text = NULL;
    yaml_emitter_t emitter;
    FILE *memory = open_memstream(&text, length);
    if (!memory) return NULL;
    int good = yaml_emitter_initialize(&emitter);
    if (good) {
        yaml_emitter_set_output_file(&emitter, memory);
        yaml_emitter_set_width(&emitter, -1);
        yaml_emitter_set_unicode(&emitter, 1);
        good = emit_document(&emitter, root);
        yaml_emitter_delete(&emitter);
    }
    if (fclose(memory)) good = 0;
    if (good) return text;
    free(text);
    return NULL;
}

static void printable(char *text)
{
    for (; *text; text++)
        if (iscntrl((unsigned char)*text)) *text = '?';
}

hesse_words hesse_origin_where(const hesse_origin *source, int line)
{
    hesse_words where;
    if (source->path) {
        const size_t length = strlen(source->path);
        const bool is_long = length > 150;
        snprintf(where.text, sizeof where.text, "%s%s:%d", is_long ? "..." : "",
                 source->path + (is_long ? length - 150 : 0), line);
    } else if (source->set) {
        const size_t length = strcspn(source->set, "=");
        snprintf(where.text, sizeof where.text, "--set %.*s",
                 (int)(length < 150 ? length : 150), source->set);
    } else {
        snprintf(where.text, sizeof where.text, "defaults:%d", line);
    }
    printable(where.text);
    return where;
}

hesse_words hesse_yaml_where(const hesse_yaml *node)
{
    return hesse_origin_where(node->source, node->line);
}

hesse_words hesse_yaml_found(const hesse_yaml *node)
{
    hesse_words found;
    if (node->kind == HESSE_YAML_LIST)
        snprintf(found.text, sizeof found.text, "a list");
    else if (node->kind == HESSE_YAML_MAPPING)
        snprintf(found.text, sizeof found.text, "a mapping");
    else if (!*node->text)
        snprintf(found.text, sizeof found.text, "empty");
    else
        snprintf(found.text, sizeof found.text, "'%.60s%s'", node->text,
                 strlen(node->text) > 60 ? "..." : "");
    printable(found.text);
    return found;
}
