/* Gives a library of headers something to compile. */
typedef int empty_translation_unit;
