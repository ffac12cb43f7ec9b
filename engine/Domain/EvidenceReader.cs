using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Settlement.Engine.Domain;

/// <summary>
/// Reads pieces of evidence that lie one behind the other, of a frame or of a block's attachment, in place.
/// </summary>
/// <remarks>
/// Invariant of the bytes: entries are whole, their padding is zero, and their indices ascend (equal ones are several signatures of one payment).
/// Failure assumed: any bytes; <see cref="FaultOf"/> says what is wrong with them, and reading ends where an entry would run past the end.
/// </remarks>
/// <param name="bytes">Entries with their bytes, each a multiple of 8 long.</param>
public ref struct EvidenceReader(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private int _next;

    /// <summary>Head of the piece that <see cref="Next"/> found.</summary>
    public EvidenceEntry Entry { get; private set; }

    /// <summary>Its link or signature.</summary>
    public ReadOnlySpan<byte> Content { get; private set; }

    /// <summary>Where its head begins.</summary>
    public int Offset { get; private set; }

    /// <returns>False: there is none behind, or none that is whole.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Next()
    {
        if (_bytes.Length - _next < EvidenceEntry.Size)
            return false;
        Offset = _next;
        Entry = Unsafe.ReadUnaligned<EvidenceEntry>(in _bytes[_next]);
        int end = _next + EvidenceEntry.Size + Entry.PaddedLength;
        if (end > _bytes.Length)
            return false;
        Content = _bytes.Slice(_next + EvidenceEntry.Size, Entry.Length);
        _next = end;
        return true;
    }

    /// <summary>What is wrong with the form of some evidence; null: nothing. What it proves is not looked at.</summary>
    /// <param name="bytes">All of it.</param>
    /// <param name="paymentCount">Payments that it may be about.</param>
    public static string? FaultOf(ReadOnlySpan<byte> bytes, int paymentCount)
    {
        var reader = new EvidenceReader(bytes);
        uint index = 0;
        int end = 0;
        while (reader.Next())
        {
            EvidenceEntry entry = reader.Entry;
            end = reader.Offset + EvidenceEntry.Size + entry.PaddedLength;
            if (entry.Index < index)
                return $"the evidence of payment {entry.Index} stands behind that of payment {index}";
            index = entry.Index;
            if (index >= paymentCount)
                return $"there is evidence of payment {index}, and there are {paymentCount}";
            bool isWhole = entry.Kind switch
            {
                EvidenceKind.Link => entry.Length == EvidenceEntry.LinkBytes && entry.Scheme == SignatureScheme.None,
                EvidenceKind.Signature => PublicKeyForm.SignatureBytesOf(entry.Scheme) == entry.Length && entry is { Length: > 0, Key: > 0 },
                _ => false,
            };
            if (!isWhole)
                return $"the evidence of payment {index} is of kind {(byte)entry.Kind}, scheme {(byte)entry.Scheme} and {entry.Length} bytes, which is none";
            if (bytes[(reader.Offset + EvidenceEntry.Size + entry.Length)..end].ContainsAnyExcept((byte)0))
                return $"the bytes behind the evidence of payment {index} are not zero";
        }

        return end == bytes.Length ? null : $"{bytes.Length - end} bytes stand behind the last whole piece of evidence";
    }

    /// <summary>Writes one piece; the padding is zero.</summary>
    /// <param name="to">Long enough: <see cref="EvidenceEntry.Size"/> and the padded length.</param>
    /// <param name="entry">Its length is that of the content.</param>
    /// <param name="content">Link or signature.</param>
    /// <returns>Bytes written.</returns>
    public static int Write(Span<byte> to, EvidenceEntry entry, ReadOnlySpan<byte> content)
    {
        entry.Length = checked((ushort)content.Length);
        MemoryMarshal.Write(to, in entry);
        content.CopyTo(to[EvidenceEntry.Size..]);
        to[(EvidenceEntry.Size + content.Length)..(EvidenceEntry.Size + entry.PaddedLength)].Clear();
        return EvidenceEntry.Size + entry.PaddedLength;
    }
}
