/* The table of keys is printed here: as text for people, as tables in Markdown, as a
   JSON schema, and as words for shell completion. */
#include "job/keys.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *const type_names[] = {
    [HESSE_KEY_PATH] = "path",       [HESSE_KEY_TEXT] = "text",
    [HESSE_KEY_INTEGER] = "integer", [HESSE_KEY_NUMBER] = "number",
    [HESSE_KEY_TRUTH] = "boolean",   [HESSE_KEY_WORD] = "word",
    [HESSE_KEY_SIZE] = "size"};

static bool is_numeric(const hesse_key *key)
{
    return key->type == HESSE_KEY_INTEGER || key->type == HESSE_KEY_NUMBER;
}

/* Print a type, such as "list of integer, from 1 to 4096", with `quote` around
   words. */
static void print_type(FILE *out, const hesse_key *key, const char *quote)
{
    char limits[64] = "";
    if (is_numeric(key) && key->low > -HESSE_NO_LIMIT) hesse_key_limits(key, limits);
    if (key->or_one) fprintf(out, "%s, or ", type_names[key->type]);
    if (key->list && is_numeric(key) && key->words)
        fprintf(out, "%s%s%s or ", quote, key->words->name, quote);
    if (key->table) fprintf(out, "mapping of names to lists of ");
    if (key->list) fprintf(out, "list of ");
    if (key->list && key->most < 1000) fprintf(out, "at most %d ", key->most);
    if (key->type != HESSE_KEY_WORD) fputs(type_names[key->type], out);
    if (key->type != HESSE_KEY_WORD && (key->list || key->table)) fputc('s', out);
    const char *name;
    for (int i = 0; key->type == HESSE_KEY_WORD && (name = hesse_key_word(key, i).name);
         i++)
        fprintf(out, "%s%s%s%s", i ? ", " : "", quote, name, quote);
    if (*limits) fprintf(out, " %s", limits);
}

/* A default, and the families or kinds of data that have it. */
typedef struct shared {
    const char *value;
    char owners[300];
} shared;

enum { MOST_OWNERS = 32 };

/* Collect the different defaults of a key; returns their number. */
static int collect(const hesse_key *key, const char *quote, shared all[MOST_OWNERS])
{
    const bool data = strncmp(key->path, "data.", 5) == 0;
    const char *name, *value;
    int n = 0;
    for (int i = 0; data ? hesse_kind_keys(i, &name) : hesse_family_keys(i, &name);
         i++) {
        if (!hesse_key_is_of(key, name, &value) || !value) continue;
        int at = 0;
        while (at < n && strcmp(all[at].value, value) != 0) at++;
        if (at == n) all[n++] = (shared){.value = value};
        char *text = all[at].owners;
        const size_t length = strlen(text);
        snprintf(text + length, sizeof all[at].owners - length, "%s%s%s%s",
                 length ? ", " : "", quote, name, quote);
    }
    return n;
}

static void print_default(FILE *out, const hesse_key *key, const char *quote)
{
    shared all[MOST_OWNERS];
    const char *before = "";
    int n = key->standard ? 0 : collect(key, quote, all);
    if (key->standard) all[n++] = (shared){.value = key->standard};
    for (int i = 0; i < n; i++, before = "; ") {
        fprintf(out, "%s%s%s%s", before, quote, all[i].value, quote);
        if (!key->standard && (n > 1 || key->absent))
            fprintf(out, " (%s)", all[i].owners);
    }
    if (key->absent) {
        fputs(before, out);
        for (const char *c = key->absent; *c; c++)
            if (*quote || *c != '`') fputc(*c, out);
        before = "; ";
    }
    if (key->paper)
        fprintf(out, "%s%s%s%s with %slanczos.procedure: paper%s", before, quote,
                key->paper, quote, quote, quote);
}

/* Print a sentence with its marks of Markdown, or without them. */
static void print_help(FILE *out, const char *text, bool markdown)
{
    for (const char *c = text; *c; c++)
        if (markdown || (*c != '`' && *c != '\\')) fputc(*c, out);
}

void hesse_keys_print(FILE *out)
{
    char owners[HESSE_OWNERS];
    for (int i = 0; hesse_key_at(i); i++) {
        const hesse_key *key = hesse_key_at(i);
        fprintf(out, "%s%s\n    ", key->path, key->in_config ? " *" : "");
        print_help(out, key->help, false);
        fputs("\n    ", out);
        print_type(out, key, "");
        fputs("; default: ", out);
        print_default(out, key, "");
        hesse_key_owners(key, owners);
        fprintf(out, "%s%s\n", *owners ? "; for: " : "", owners);
    }
    fputs("\n* cannot stand beside model.config, which says it\n", out);
}

void hesse_keys_markdown(FILE *out, const char *section)
{
    const size_t length = strlen(section);
    char owners[HESSE_OWNERS];
    fputs("| key | value | default | for | meaning |\n|---|---|---|---|---|\n", out);
    for (int i = 0; hesse_key_at(i); i++) {
        const hesse_key *key = hesse_key_at(i);
        if (strncmp(key->path, section, length) != 0 || key->path[length] != '.')
            continue;
        fprintf(out, "| `%s`%s | ", key->path + length + 1, key->in_config ? " *" : "");
        print_type(out, key, "`");
        fputs(" | ", out);
        print_default(out, key, "`");
        hesse_key_owners(key, owners);
        fprintf(out, " | %s | ", *owners ? owners : "all");
        print_help(out, key->help, true);
        fputs(" |\n", out);
    }
}

/* Print "model.family=gpt2" for each word of a key, "model.layers=" if it has none. */
void hesse_keys_words(FILE *out)
{
    for (int i = 0; hesse_key_at(i); i++) {
        const hesse_key *key = hesse_key_at(i);
        const char *name;
        int words = 0;
        while ((!key->list || key->or_one) &&
               (name = hesse_key_word(key, words).name)) {
            fprintf(out, "%s=%s\n", key->path, name);
            words++;
        }
        if (!words) fprintf(out, "%s=\n", key->path);
    }
}

/* Convert a scalar of YAML to JSON: a number, a truth value, or a text. */
static json_t *json_of(const hesse_key *key, const char *text, size_t length)
{
    char word[64];
    snprintf(word, sizeof word, "%.*s", (int)length, text);
    if (key->type == HESSE_KEY_INTEGER) return json_integer(strtoll(word, NULL, 10));
    if (key->type == HESSE_KEY_NUMBER) return json_real(strtod(word, NULL));
    if (key->type == HESSE_KEY_TRUTH) return json_boolean(strcmp(word, "true") == 0);
    return json_string(word);
}

static json_t *default_of(const hesse_key *key)
{
    if (!key->list || *key->standard != '[')
        return json_of(key, key->standard, strlen(key->standard));
    json_t *list = json_array();
    for (const char *at = key->standard + 1; *at != ']';) {
        const size_t length = strcspn(at, ",]");
        json_array_append_new(list, json_of(key, at, length));
        at += length + strspn(at + length, ", ");
    }
    return list;
}

static void limit_number(json_t *value, const hesse_key *key)
{
    const bool whole = key->type == HESSE_KEY_INTEGER;
    if (key->low == HESSE_ABOVE_0)
        json_object_set_new(value, "exclusiveMinimum", json_integer(0));
    else if (key->low > -HESSE_NO_LIMIT)
        json_object_set_new(value, "minimum",
                            whole ? json_integer((json_int_t)key->low)
                                  : json_real(key->low));
    if (key->high < HESSE_NO_LIMIT)
        json_object_set_new(value, "maximum",
                            whole && key->high < 0x1p63
                                ? json_integer((json_int_t)key->high)
                                : json_real(key->high));
}

/* The schema of one value of a key. YAML reads the words true and false as truth
   values. */
static json_t *value_schema(const hesse_key *key)
{
    json_t *value = json_object();
    if (key->type == HESSE_KEY_WORD) {
        json_t *words = json_array();
        const char *name;
        for (int i = 0; (name = hesse_key_word(key, i).name); i++)
            json_array_append_new(words, strcmp(name, "true") == 0 ? json_true()
                                         : strcmp(name, "false") == 0
                                             ? json_false()
                                             : json_string(name));
        json_object_set_new(value, "enum", words);
    } else if (key->type == HESSE_KEY_SIZE) {
        json_object_set_new(value, "type", json_pack("[ss]", "string", "integer"));
    } else {
        const bool text = key->type == HESSE_KEY_PATH || key->type == HESSE_KEY_TEXT;
        json_object_set_new(value, "type",
                            json_string(text ? "string" : type_names[key->type]));
        if (text) json_object_set_new(value, "minLength", json_integer(1));
        if (is_numeric(key)) limit_number(value, key);
    }
    return value;
}

static json_t *key_schema(const hesse_key *key)
{
    json_t *schema = value_schema(key);
    char owners[HESSE_OWNERS], *help = NULL;
    size_t length;
    if (key->table) {
        json_t *one = json_deep_copy(schema);
        schema = json_pack("{s:s, s:{s:[o, {s:s, s:i, s:o}]}, s:i}", "type", "object",
                           "additionalProperties", "anyOf", one, "type", "array",
                           "minItems", 1, "items", schema, "minProperties", 1);
    }
    if (key->list) {
        json_t *one = key->or_one ? json_deep_copy(schema) : NULL;
        schema = json_pack("{s:s, s:o, s:i, s:i}", "type", "array", "items", schema,
                           "minItems", key->least, "maxItems", key->most);
        if (one) schema = json_pack("{s:[o, o]}", "anyOf", one, schema);
        if (is_numeric(key) && key->words)
            schema =
                json_pack("{s:[{s:s}, o]}", "anyOf", "const", key->words->name, schema);
    }
    if (key->standard) json_object_set_new(schema, "default", default_of(key));
    FILE *memory = open_memstream(&help, &length);
    if (memory) {
        print_help(memory, key->help, false);
        hesse_key_owners(key, owners);
        if (*owners) fprintf(memory, " For: %s.", owners);
        fclose(memory);
        json_object_set_new(schema, "description", json_string(help));
    }
    free(help);
    return schema;
}

/* Find the object of a section. It and the objects around it are made if they do not
   exist. */
static json_t *section_of(json_t *root, const char *path)
{
    json_t *at = root;
    for (const char *dot; at && (dot = strchr(path, '.')); path = dot + 1) {
        json_t *properties = json_object_get(at, "properties");
        json_t *inner = json_object_getn(properties, path, (size_t)(dot - path));
        if (!inner) {
            inner = json_pack("{s:s, s:b, s:{}}", "type", "object",
                              "additionalProperties", 0, "properties");
            json_object_setn_new(properties, path, (size_t)(dot - path), inner);
        }
        at = inner;
    }
    return at;
}

char *hesse_keys_schema(void)
{
    json_t *root = json_pack("{s:s, s:s, s:s, s:b, s:[s], s:{}}", "$schema",
                             "https://json-schema.org/draft/2020-12/schema", "title",
                             "A job of hesse", "type", "object", "additionalProperties",
                             0, "required", "model", "properties");
    for (int i = 0; root && hesse_key_at(i); i++) {
        const hesse_key *key = hesse_key_at(i);
        json_t *section = section_of(root, key->path);
        json_object_set_new(json_object_get(section, "properties"),
                            strrchr(key->path, '.') + 1, key_schema(key));
    }
    json_t *properties = json_object_get(root, "properties");
    json_object_set_new(properties, "full",
                        json_pack("{s:s, s:s}", "type", "object", "description",
                                  "The full size of the job: overrides of other "
                                  "sections, which --full applies."));
    json_object_set_new(properties, "sweep",
                        json_pack("{s:s, s:s}", "type", "object", "description",
                                  "Many jobs of hesse train in one: keys with lists of "
                                  "values, or axes with named points of overrides."));
    json_object_set_new(section_of(root, "model."), "required",
                        json_pack("[s]", "family"));
    char *text = json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    return text;
}
