#pragma once

namespace autogo {

/// `Attrs::text` of a kReshape to four dimensions whose last one holds the channels, where the
/// shapes do not tell: importers know it from the use of the result.
inline constexpr const char* kReshapeChannelsLast = "channels_last";

}  // namespace autogo
