#pragma once

// Of the inverse DCT of Loeffler, Ligtenberg and Moschytz ("Practical fast 1-D DCT algorithms with
// 11 multiplications", 1989), in libjpeg's fixed point.
namespace headrace::baseline::dct {

inline constexpr int constant_bits = 13;
inline constexpr int pass_bits = 2;  // kept of the first pass

// round(x 2^13); c(k) = cos(k pi / 16)
inline constexpr int f0_298 = 2446;   // sqrt(2) (-c1 + c3 + c5 - c7)
inline constexpr int f0_390 = 3196;   // sqrt(2) (c3 - c5)
inline constexpr int f0_541 = 4433;   // sqrt(2) c6
inline constexpr int f0_765 = 6270;   // sqrt(2) (c2 - c6)
inline constexpr int f0_899 = 7373;   // sqrt(2) (c3 - c7)
inline constexpr int f1_175 = 9633;   // sqrt(2) c3
inline constexpr int f1_501 = 12299;  // sqrt(2) (c1 + c3 - c5 - c7)
inline constexpr int f1_847 = 15137;  // sqrt(2) (c2 + c6)
inline constexpr int f1_961 = 16069;  // sqrt(2) (c3 + c5)
inline constexpr int f2_053 = 16819;  // sqrt(2) (c1 + c3 - c5 + c7)
inline constexpr int f2_562 = 20995;  // sqrt(2) (c1 + c3)
inline constexpr int f3_072 = 25172;  // sqrt(2) (c1 + c3 + c5 - c7)

// Of the means of two neighbouring ones of its results, of which there are then four, and of four,
// of which there are two ("reduced" to 4x4 and 2x2 samples).
inline constexpr int f0_211 = 1730;   // sqrt(2) (c1 - c3)
inline constexpr int f0_509 = 4176;   // sqrt(2) (c5 - c7)
inline constexpr int f0_601 = 4926;   // sqrt(2) (c1 - c5)
inline constexpr int f1_061 = 8697;   // sqrt(2) (c5 + c7)
inline constexpr int f1_451 = 11893;  // sqrt(2) (c3 + c7)
inline constexpr int f2_172 = 17799;  // sqrt(2) (c1 + c5)
inline constexpr int f0_720 = 5906;   // sqrt(2) (c1 - c3 + c5 - c7)
inline constexpr int f0_850 = 6967;   // sqrt(2) (-c1 + c3 + c5 + c7)
inline constexpr int f1_272 = 10426;  // sqrt(2) (c1 - c3 + c5 + c7)
inline constexpr int f3_624 = 29692;  // sqrt(2) (c1 + c3 + c5 + c7)

}  // namespace headrace::baseline::dct
