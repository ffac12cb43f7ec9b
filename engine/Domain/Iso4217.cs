namespace Settlement.Engine.Domain;

/// <summary>
/// ISO 4217, list one as published on 2026-01-01: the 165 currencies and funds that have a minor
/// unit. Letters are looked up in either case; nothing here allocates, depends on culture or on an order of hashing.
/// </summary>
/// <remarks>
/// Left out are the 13 codes whose minor unit is "N.A." (XAG, XAU, XBA, XBB, XBC, XBD, XDR, XPD, XPT, XSU, XTS, XUA, XXX): an amount
/// in them has no smallest unit to be counted in. Funds codes (CHE, CLF, UYW ...) have one and are in. Withdrawn codes are
/// out, because ISO gives their numbers away again (532 was ANG, is XCG). Source: SIX, the standard's maintenance agency.
/// </remarks>
public static class Iso4217
{
    public const int Count = 165;

    /// <summary>Numbers have three digits.</summary>
    public const int NumberMax = 999;

    /// <summary>Letters, number, digits of the minor unit; in order of letters.</summary>
    private const string Rows =
        "AED 784 2, AFN 971 2, ALL 008 2, AMD 051 2, AOA 973 2, ARS 032 2, AUD 036 2, AWG 533 2, AZN 944 2, BAM 977 2, BBD 052 2, " +
        "BDT 050 2, BHD 048 3, BIF 108 0, BMD 060 2, BND 096 2, BOB 068 2, BOV 984 2, BRL 986 2, BSD 044 2, BTN 064 2, BWP 072 2, " +
        "BYN 933 2, BZD 084 2, CAD 124 2, CDF 976 2, CHE 947 2, CHF 756 2, CHW 948 2, CLF 990 4, CLP 152 0, CNY 156 2, COP 170 2, " +
        "COU 970 2, CRC 188 2, CUP 192 2, CVE 132 2, CZK 203 2, DJF 262 0, DKK 208 2, DOP 214 2, DZD 012 2, EGP 818 2, ERN 232 2, " +
        "ETB 230 2, EUR 978 2, FJD 242 2, FKP 238 2, GBP 826 2, GEL 981 2, GHS 936 2, GIP 292 2, GMD 270 2, GNF 324 0, GTQ 320 2, " +
        "GYD 328 2, HKD 344 2, HNL 340 2, HTG 332 2, HUF 348 2, IDR 360 2, ILS 376 2, INR 356 2, IQD 368 3, IRR 364 2, ISK 352 0, " +
        "JMD 388 2, JOD 400 3, JPY 392 0, KES 404 2, KGS 417 2, KHR 116 2, KMF 174 0, KPW 408 2, KRW 410 0, KWD 414 3, KYD 136 2, " +
        "KZT 398 2, LAK 418 2, LBP 422 2, LKR 144 2, LRD 430 2, LSL 426 2, LYD 434 3, MAD 504 2, MDL 498 2, MGA 969 2, MKD 807 2, " +
        "MMK 104 2, MNT 496 2, MOP 446 2, MRU 929 2, MUR 480 2, MVR 462 2, MWK 454 2, MXN 484 2, MXV 979 2, MYR 458 2, MZN 943 2, " +
        "NAD 516 2, NGN 566 2, NIO 558 2, NOK 578 2, NPR 524 2, NZD 554 2, OMR 512 3, PAB 590 2, PEN 604 2, PGK 598 2, PHP 608 2, " +
        "PKR 586 2, PLN 985 2, PYG 600 0, QAR 634 2, RON 946 2, RSD 941 2, RUB 643 2, RWF 646 0, SAR 682 2, SBD 090 2, SCR 690 2, " +
        "SDG 938 2, SEK 752 2, SGD 702 2, SHP 654 2, SLE 925 2, SOS 706 2, SRD 968 2, SSP 728 2, STN 930 2, SVC 222 2, SYP 760 2, " +
        "SZL 748 2, THB 764 2, TJS 972 2, TMT 934 2, TND 788 3, TOP 776 2, TRY 949 2, TTD 780 2, TWD 901 2, TZS 834 2, UAH 980 2, " +
        "UGX 800 0, USD 840 2, USN 997 2, UYI 940 0, UYU 858 2, UYW 927 4, UZS 860 2, VED 926 2, VES 928 2, VND 704 0, VUV 548 0, " +
        "WST 882 2, XAD 396 2, XAF 950 0, XCD 951 2, XCG 532 2, XOF 952 0, XPF 953 0, YER 886 2, ZAR 710 2, ZMW 967 2, ZWG 924 2";

    private const int RowChars = 11;
    private const byte None = 0xFF;

    private static readonly ushort[] s_numbers = new ushort[Count];
    private static readonly byte[] s_scales = new byte[Count];
    private static readonly string[] s_letters = new string[Count];
    private static readonly ushort[] s_owners = new ushort[Count];

    // Row of each code. 26^3 bytes and 1,000 bytes: one load a look-up, and both fit a first-level cache.
    private static readonly byte[] s_rowByLetters = new byte[26 * 26 * 26];
    private static readonly byte[] s_rowByNumber = new byte[NumberMax + 1];

    static Iso4217()
    {
        s_rowByLetters.AsSpan().Fill(None);
        s_rowByNumber.AsSpan().Fill(None);
        for (int row = 0; row < Count; row++)
        {
            ReadOnlySpan<char> text = Rows.AsSpan(row * RowChars);
            ushort number = (ushort)((text[4] - '0') * 100 + (text[5] - '0') * 10 + (text[6] - '0'));
            s_letters[row] = text[..3].ToString();
            s_numbers[row] = number;
            s_scales[row] = (byte)(text[8] - '0');
            s_owners[row] = Iso3166.NumberOf(text[..2]);
            s_rowByLetters[IndexOf(text[0], text[1], text[2])] = (byte)row;
            s_rowByNumber[number] = (byte)row;
        }
    }

    /// <summary>All numbers, in the order of their letters.</summary>
    public static ReadOnlySpan<ushort> Numbers => s_numbers;

    /// <summary>The number of three letters in either case; 0: no such currency.</summary>
    public static ushort NumberOf(ReadOnlySpan<byte> letters) =>
        letters.Length == 3 ? NumberAt(IndexOf(letters[0], letters[1], letters[2])) : (ushort)0;

    /// <inheritdoc cref="NumberOf(ReadOnlySpan{byte})"/>
    public static ushort NumberOf(ReadOnlySpan<char> letters) =>
        letters.Length == 3 ? NumberAt(IndexOf(letters[0], letters[1], letters[2])) : (ushort)0;

    public static bool IsKnown(ushort number) => RowOf(number) != None;

    /// <summary>Digits of the minor unit, 0 to 4; -1: no such currency.</summary>
    public static int ScaleOf(ushort number)
    {
        byte row = RowOf(number);
        return row == None ? -1 : s_scales[row];
    }

    /// <summary>The three letters; empty: no such currency.</summary>
    public static string LettersOf(ushort number)
    {
        byte row = RowOf(number);
        return row == None ? "" : s_letters[row];
    }

    /// <summary>
    /// ISO 3166 number of the country whose money it is: a code begins with its country's two letters. 0 for the euro and for
    /// what begins with X, which belong to several countries or to none.
    /// </summary>
    public static ushort OwnerCountry(ushort number)
    {
        byte row = RowOf(number);
        return row == None ? (ushort)0 : s_owners[row];
    }

    private static byte RowOf(ushort number) => number <= NumberMax ? s_rowByNumber[number] : None;

    private static ushort NumberAt(int index)
    {
        byte row = (uint)index < (uint)s_rowByLetters.Length ? s_rowByLetters[index] : None;
        return row == None ? (ushort)0 : s_numbers[row];
    }

    /// <summary>Place of three letters, case folded; -1 where one is no letter.</summary>
    private static int IndexOf(uint first, uint second, uint third)
    {
        uint a = (first | 0x20) - 'a', b = (second | 0x20) - 'a', c = (third | 0x20) - 'a';
        return a < 26 && b < 26 && c < 26 ? (int)((a * 26 + b) * 26 + c) : -1;
    }
}
