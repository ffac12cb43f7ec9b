using Settlement.Perf;

return PerfCommand.Run(args, PerfLoads.All, Console.Out, Console.Error);
