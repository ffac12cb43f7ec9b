using Settlement.Engine.Rules;
namespace Settlement.Gateway.Input;
internal static class RuleTableFile { public static RuleTable Read(string path, CurrencyScales scales) => throw new NotSupportedException(path + scales); }
