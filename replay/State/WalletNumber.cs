using System.Text;
using Settlement.Engine.Text;
using Settlement.Replay.Common;

namespace Settlement.Replay.State;

/// <summary>Wallets as they are named on a command line.</summary>
internal static class WalletNumber
{
    /// <exception cref="UsageException">It is no number.</exception>
    public static ulong Parse(string text) =>
        FieldText.TryReadNumber(Encoding.UTF8.GetBytes(text), out ulong wallet) && wallet != 0
            ? wallet
            : throw new UsageException($"--wallet {text}: a wallet's number, from 1, is expected.");
}
