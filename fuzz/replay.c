/* replay.c - runs a fuzz target over its corpus in a build without libFuzzer, as a test.
 *
 * Arguments: files or directories. Every file is given to the target as it is, and cut short at
 * every length up to 256 octets, in blocks of their exact size so that AddressSanitizer sees one
 * octet too far. A crash found by fuzzing becomes a corpus file, and so a regression test. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned n_inputs;

static void
run_input(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size ? size : 1);
    if (!exact)
        abort();
    memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    n_inputs++;
}

static int
run_file(const char *path)
{
    static uint8_t data[1 << 20];
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return 1;
    }
    size_t size = fread(data, 1, sizeof data, file);
    fclose(file);
    run_input(data, size);
    for (size_t cut = 0; cut < size && cut < 256; cut++)
        run_input(data, cut);
    return 0;
}

static int
run_directory(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir) {
        perror(path);
        return 1;
    }
    int failed = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char name[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        failed |= run_file(name);
    }
    closedir(dir);
    return failed;
}

int
main(int argc, char **argv)
{
    int failed = 0;
    for (int i = 1; i < argc; i++) {
        struct stat st;
        if (stat(argv[i], &st)) {
            perror(argv[i]);
            failed = 1;
        } else if (S_ISDIR(st.st_mode)) {
            failed |= run_directory(argv[i]);
        } else {
            failed |= run_file(argv[i]);
        }
    }
    printf("%u inputs replayed\n", n_inputs);
    return failed || n_inputs == 0;
}
