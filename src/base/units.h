/** Numbers in a form that people can read. */
#ifndef HESSE_BASE_UNITS_H
#define HESSE_BASE_UNITS_H

enum { HESSE_UNITS = 32 }; /* bytes of a text, with its end */

/** Local. "4.125 GiB", "1.44 Tflop". Each returns its text. */
const char *hesse_units_bytes(double value, char text[HESSE_UNITS]);
const char *hesse_units_flop(double value, char text[HESSE_UNITS]);

/** The same, in a text that lives as long as the block it stands in. */
#define HESSE_BYTES(value) hesse_units_bytes((value), (char[HESSE_UNITS]){0})

/** Local. Seconds in the two largest units that are not zero: "8 s", "3 min 20 s",
 *  "2 d 4 h"; below ten "7.5 s", "0.012 s". */
const char *hesse_units_time(double seconds, char text[HESSE_UNITS]);

#endif /* HESSE_BASE_UNITS_H */
