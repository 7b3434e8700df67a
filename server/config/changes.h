// Some of a configuration is fixed for the life of an image. These functions name what a reload would have to change of it:
// everything but the zones and, at a primary, the catalogs; and the first zone with somebody to notify, or whose updates are
// passed on, where the image was started without what that takes.
#pragma once

#include "platform/base/text_writer.h"
#include "server/config/primary_config.h"
#include "server/config/secondary_config.h"

namespace samara::server {

// The keys of the manifest whose values differ, as "workers, log and acl". Nothing is written when all are the same.
void write_fixed_changes(const PrimaryConfig& at_start, const PrimaryConfig& reloaded, TextWriter& out);
void write_fixed_changes(const SecondaryConfig& at_start, const SecondaryConfig& reloaded, TextWriter& out);

}  // namespace samara::server
