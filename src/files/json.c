/* The parser is Jansson's, which bounds its recursion and rejects NUL and invalid UTF-8
   in strings. This file only makes its errors readable: a message is one printable line
   for any bytes in the file. */
#include "files/json.h"

#include "files/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Jansson quotes the text near an error as it stands. */
static void make_printable(char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~') *text = '?';
}

hesse_status hesse_json_parse(const char *what, const char *text, size_t length,
                              json_t **root, hesse_why *why)
{
    json_error_t error;
    json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(value)) {
        *root = value;
        return HESSE_OK;
    }
    if (value) {
        json_decref(value);
        return hesse_fail(why, HESSE_E_INPUT, "%s: expected a JSON object", what);
    }
    if (json_error_code(&error) == json_error_out_of_memory)
        return hesse_fail(why, HESSE_E_NOMEM, "%s: out of memory for its JSON", what);
    make_printable(error.text);
    return hesse_fail(why, HESSE_E_INPUT, "%s: no valid JSON: line %d, column %d: %s",
                      what, error.line, error.column, error.text);
}

hesse_status hesse_json_load(const char *path, json_t **root, hesse_why *why)
{
    char *text;
    size_t length;
    hesse_status s = hesse_file_load(path, &text, &length, why);
    if (s) return s;
    s = hesse_json_parse(path, text, length, root, why);
    free(text);
    return s;
}

void hesse_json_show(const json_t *value, char shown[HESSE_JSON_SHOWN])
{
    char *text = NULL;
    if (value)
        text = json_dumps(value, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY);
    const char *whole = text ? text : value ? "a value" : "missing";
    const bool fits = strlen(whole) < HESSE_JSON_SHOWN;
    snprintf(shown, HESSE_JSON_SHOWN, "%.*s%s", fits ? HESSE_JSON_SHOWN : 56, whole,
             fits ? "" : "...");
    make_printable(shown);
    free(text);
}
