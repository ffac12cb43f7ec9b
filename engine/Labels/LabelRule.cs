namespace Settlement.Engine.Labels;

/// <summary>
/// The two rules of the level lattice (design, section 6) for one payment: the obvious twin of
/// <see cref="Simd.LabelKernel"/>, which must agree with it on every input.
/// </summary>
/// <remarks>
/// Levels are a total order, 0 public to 255 core, so the least upper bound of two levels is their maximum and the greatest
/// lower bound their minimum.
/// <list type="bullet">
/// <item>Read, no read up: what is read lies at or below the reader (Bell and LaPadula 1973, the simple security property).
/// The reader is session *and* instruction; the less trusted of two bounds what both do together (Biba 1977, low water
/// mark). What a payment reads is itself and its payer's balance.</item>
/// <item>Flow, no write down: what is computed from several data has the least upper bound of their levels, and may go only
/// to a sink of at least that level (Denning 1976, a lattice model of secure information flow; Bell and LaPadula's *-property).
/// The sink of a payment is its payee.</item>
/// <item>Exit: a session trusted to declassify may send down. It may never read up.</item>
/// </list>
/// </remarks>
public static class LabelRule
{
    /// <summary>Whether a payment may be made, by levels alone.</summary>
    /// <param name="session">Clearance of the session that asks.</param>
    /// <param name="instruction">Level of the instruction that acts.</param>
    /// <param name="payment">Level of the payment's own data.</param>
    /// <param name="payer">Level of the wallet whose balance is read.</param>
    /// <param name="payee">Level of the wallet that is written to.</param>
    /// <param name="declassify">Whether the session is trusted to send data to a lower level.</param>
    public static bool Allows(byte session, byte instruction, byte payment, byte payer, byte payee, bool declassify)
    {
        byte source = Math.Max(payer, payment);
        bool mayRead = source <= Math.Min(session, instruction);
        bool mayFlow = source <= payee || declassify;
        return mayRead && mayFlow;
    }
}
