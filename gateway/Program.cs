using System.CommandLine;
using Settlement.Gateway.Settle;

var root = new RootCommand("Settlement: takes streams of small payments, decides each exactly once, and nets them into provable batches.")
{
    SettleCommand.Create(Console.Out, Console.Error),
};
ParseResult parsed = root.Parse(args.Length == 0 ? ["--help"] : args);
if (parsed.Errors.Count > 0)
{
    foreach (var fault in parsed.Errors)
        Console.Error.WriteLine(fault.Message);
    Console.Error.WriteLine("settle --help lists what there is.");
    return SettleCommand.ExitUnusable;
}

return parsed.Invoke();
