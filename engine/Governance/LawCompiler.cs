namespace Settlement.Engine.Governance;

internal sealed class LawCompiler : ILawCompiler
{
    public static LawCompiler Shared { get; } = new();

    public LawCheck Check(LawInputs inForce, LawText proposed) => throw new NotSupportedException();

    public LawBuild Build(LawInputs laws, int day) => throw new NotSupportedException();
}
