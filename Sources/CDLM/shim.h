// libdlm.h uses mode_t without declaring it.
#include <sys/types.h>
// What the kernel delivers, as it delivers it. Its headers declare what libdlm.h would repeat.
#include <linux/dlm.h>
#include <linux/dlm_device.h>
#define BUILDING_LIBDLM
#include <libdlm.h>
