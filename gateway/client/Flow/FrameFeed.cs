namespace Settlement.Client.Flow;

/// <summary>All sources of one client, asked in turn, so that none starves another.</summary>
internal sealed class FrameFeed : IFrameSource
{
    private volatile IFrameSource[] _sources = []; // replaced whole, under the lock
    private readonly Lock _gate = new();
    private int _turn; // written by: the sending task

    public void Add(IFrameSource source)
    {
        lock (_gate)
            _sources = [.. _sources, source];
    }

    public void Remove(IFrameSource source)
    {
        lock (_gate)
            _sources = [.. _sources.Where(one => one != source)];
    }

    public OutFrame? Next(int slotsFree, int slotsMax)
    {
        IFrameSource[] sources = _sources;
        for (int i = 0; i < sources.Length; i++)
        {
            _turn = (_turn + 1) % sources.Length;
            if (sources[_turn].Next(slotsFree, slotsMax) is { } frame)
                return frame;
        }

        return null;
    }

    // Frames know their own source; nothing comes here.

    public void Answered(OutFrame frame, ReadOnlySpan<PaymentVerdict> verdicts) => frame.Source.Answered(frame, verdicts);

    public void Refused(OutFrame frame, RefusedException why) => frame.Source.Refused(frame, why);

    public void Broken(OutFrame frame) => frame.Source.Broken(frame);
}
