// libdlm.h uses mode_t without declaring it.
#include <sys/types.h>
#include <libdlm.h>
