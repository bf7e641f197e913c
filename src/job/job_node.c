/* The nodes of a tree are freed, wrapped, merged and described here. */
#include "base/memory.h"
#include "job/job_tree.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

hesse_yaml *hesse_tree_wrap_path(const char *path, size_t length, hesse_yaml *node)
{
    size_t begin = length;
    while (begin && path[begin - 1] != '.') begin--;
    node = hesse_tree_wrap(path + begin, length - begin, node);
    return begin && node ? hesse_tree_wrap_path(path, begin - 1, node) : node;
}

hesse_yaml *hesse_tree_copy(const hesse_yaml *node)
{
    hesse_yaml *copy = hesse_calloc(1, sizeof *copy), **at = copy ? &copy->first : NULL;
    bool good = copy != NULL;
    if (!good) return NULL;
    copy->kind = node->kind, copy->source = node->source, copy->line = node->line;
    copy->quoted = node->quoted;
    if (node->text) good = (copy->text = hesse_copy(node->text)) != NULL;
    for (const hesse_yaml *n = node->first; good && n; n = n->next) {
        *at = hesse_tree_copy(n);
        good = *at && (!n->key || ((*at)->key = hesse_copy(n->key)));
        if (good) at = &(*at)->next;
    }
    if (good) return copy;
    hesse_tree_free(copy);
    return NULL;
}

/* The pointer to a mapping's entry with a name, or the place to append it. */
static hesse_yaml **place_of(hesse_yaml *mapping, const char *key)
{
    hesse_yaml **at = &mapping->first;
    while (*at && strcmp((*at)->key, key) != 0) at = &(*at)->next;
    return at;
}

hesse_yaml *hesse_tree_take(hesse_yaml *mapping, const char *key)
{
    hesse_yaml **at = place_of(mapping, key), *taken = *at;
    if (!taken) return NULL;
    *at = taken->next;
    taken->next = NULL;
    free(taken->key);
    taken->key = NULL;
    return taken;
}

void hesse_tree_merge(hesse_yaml *into, hesse_yaml *from)
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
            hesse_tree_merge(old, n);
        } else {
            *at = n;
            n->next = old->next;
            old->next = NULL;
            hesse_tree_free(old);
        }
    }
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
    } else {
        const size_t length = strcspn(source->set, "=");
        snprintf(where.text, sizeof where.text, "--set %.*s",
                 (int)(length < 150 ? length : 150), source->set);
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
        snprintf(found.text, sizeof found.text, "%s'%.60s%s'",
                 node->quoted ? "the text " : "", node->text,
                 strlen(node->text) > 60 ? "..." : "");
    printable(found.text);
    return found;
}
